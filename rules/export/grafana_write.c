/*
 * Dashboards of Grafana 9 and later, one for each team that owns a service by name: rate, errors
 * and duration of its services from span metrics, its alerts, links, and what the relay itself
 * does. The datasource is a variable. No secret and no id of a Grafana is in them; uids are made
 * from the team's name, so that a link to a dashboard stays the same.
 */
#include <ctype.h>

#include "export-internal.h"
#include "tracepager/buf_json.h"

#define GRAFANA_SCHEMA	36 /* of Grafana 9.0; later ones migrate it */
#define GRAFANA_COLUMNS 24

/* Span metrics by who makes them. */
static const struct span_metrics {
	const char *calls, *duration, *service, *unit;
} span_metrics[] = {
	[EXPORT_METRICS_OTEL] = { "traces_span_metrics_calls_total",
				  "traces_span_metrics_duration_milliseconds_bucket",
				  "service_name", "ms" },
	[EXPORT_METRICS_OTEL_SECONDS] = { "traces_span_metrics_calls_total",
					  "traces_span_metrics_duration_seconds_bucket",
					  "service_name", "s" },
	[EXPORT_METRICS_OTEL_OLD] = { "calls_total", "duration_milliseconds_bucket", "service_name",
				      "ms" },
	[EXPORT_METRICS_TEMPO] = { "traces_spanmetrics_calls_total",
				   "traces_spanmetrics_latency_bucket", "service", "s" },
};

/* One dashboard while it is written. */
struct grafana_board {
	struct exported *exported;
	struct buf *out;
	const struct team *team;
	const struct span_metrics *metrics;
	const char *services; /* their names as a regular expression, in a string of PromQL */
	int id, x, y, height; /* of the last panel */
};

/* What a panel is, beside its queries. */
struct grafana_panel {
	const char *type, *title, *description, *unit;
	int w, h;
	double warn, bad; /* thresholds; bad 0: none */
};

/* ---- names ---- */

/* "tracepager-shop-1a2b3c4d": letters, digits and dashes, at most 40 (Grafana's limit of a uid);
 * the end tells names apart that look alike without their other characters. */
static const char *grafana_uid(struct arena *arena, const char *team)
{
	char slug[20];
	size_t n = 0;
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const char *c = team; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	for (const char *c = team; *c && n < sizeof(slug) - 1; c++)
		if (isascii((unsigned char)*c) && isalnum((unsigned char)*c))
			slug[n++] = (char)tolower((unsigned char)*c);
		else if (n && slug[n - 1] != '-')
			slug[n++] = '-';
	while (n && slug[n - 1] == '-')
		n--;
	slug[n] = '\0';
	return arena_printf(arena, "tracepager-%s%s%08x", slug, n ? "-" : "", hash);
}

static const char *service_glob(const struct service_entry *entry)
{
	for (size_t i = 0; i < entry->nkeys; i++)
		if (strcmp(entry->keys[i].name, "service") == 0)
			return entry->keys[i].glob;
	return entry->rule.name;
}

/* The names of a team's services as one regular expression, escaped for a string of PromQL. NULL:
 * it owns none by name. */
static const char *team_services(struct exported *exported, const struct team *team)
{
	const struct ruleset *rules = exported->rules;
	struct buf regex = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);
	struct buf quoted = BUF_INIT(2 * LIMIT_EXPORT_MATCHER_BYTES);

	for (size_t i = 0; i < rules->nservices; i++) {
		const struct service_entry *entry = &rules->services[i];
		if (entry->rule.owner != team)
			continue;
		if (!glob_literals(service_glob(entry))) {
			export_lose(exported, entry->rule.place,
				    "service %s: \"%s\" names no service: it is on no dashboard",
				    entry->rule.name, service_glob(entry));
			continue;
		}
		buf_puts(&regex, regex.len ? "|" : "");
		am_add_glob(&regex, service_glob(entry));
	}
	for (const char *c = buf_text(&regex); *c; c++) {
		buf_puts(&quoted, *c == '\\' || *c == '"' ? "\\" : "");
		buf_putc(&quoted, *c);
	}
	const char *text = quoted.len ? arena_strdup(exported->arena, buf_text(&quoted)) : NULL;
	buf_fini(&regex);
	buf_fini(&quoted);
	return text;
}

/* ---- panels ---- */

static void board_raw(struct grafana_board *board, const char *key, const char *json)
{
	buf_json_key(board->out, key);
	buf_puts(board->out, json);
}

/* Begins a panel behind the last one, or on a new line where that has no room. */
static void panel_begin(struct grafana_board *board, const struct grafana_panel *panel)
{
	struct buf *out = board->out;

	if (board->x + panel->w > GRAFANA_COLUMNS) {
		board->x = 0;
		board->y += board->height;
		board->height = 0;
	}
	if (board->height < panel->h)
		board->height = panel->h;
	buf_puts(out, board->id++ ? ",\n{" : "\n{");
	buf_json_int(out, "id", board->id);
	buf_json_text(out, "type", panel->type);
	buf_json_text(out, "title", panel->title);
	if (panel->description)
		buf_json_text(out, "description", panel->description);
	buf_json_key(out, "gridPos");
	buf_printf(out, "{\"x\":%d,\"y\":%d,\"w\":%d,\"h\":%d}", board->x, board->y, panel->w,
		   panel->h);
	board->x += panel->w;
}

static void board_row(struct grafana_board *board, const char *title)
{
	board->x = GRAFANA_COLUMNS; /* on a line of its own */
	panel_begin(board,
		    &(struct grafana_panel){ .type = "row", .title = title, .w = 24, .h = 1 });
	buf_puts(board->out, ",\"collapsed\":false,\"panels\":[]}");
}

/* Units, thresholds and how lines are drawn. */
static void panel_fields(struct grafana_board *board, const struct grafana_panel *panel)
{
	struct buf *out = board->out;
	const bool lines = strcmp(panel->type, "timeseries") == 0;

	buf_puts(out, ",\"fieldConfig\":{\"defaults\":{");
	buf_json_text(out, "unit", panel->unit);
	buf_json_int(out, "min", 0);
	board_raw(board, "color",
		  panel->bad > 0 && !lines ? "{\"mode\":\"thresholds\"}"
					   : "{\"mode\":\"palette-classic\"}");
	buf_json_key(out, "thresholds");
	buf_puts(out, "{\"mode\":\"absolute\",\"steps\":[{\"color\":\"green\",\"value\":null}");
	if (panel->bad > 0)
		buf_printf(out,
			   ",{\"color\":\"orange\",\"value\":%g},{\"color\":\"red\",\"value\":%g}",
			   panel->warn, panel->bad);
	buf_puts(out, "]}");
	if (lines) {
		buf_puts(out,
			 ",\"custom\":{\"drawStyle\":\"line\",\"lineInterpolation\":\"linear\","
			 "\"lineWidth\":2,\"fillOpacity\":8,\"showPoints\":\"never\","
			 "\"spanNulls\":false,\"stacking\":{\"mode\":\"none\",\"group\":\"A\"},"
			 "\"thresholdsStyle\":");
		buf_printf(out, "{\"mode\":\"%s\"}}", panel->bad > 0 ? "line" : "off");
	}
	buf_puts(out, "},\"overrides\":[]}");
	if (lines)
		board_raw(board, "options",
			  "{\"legend\":{\"displayMode\":\"table\",\"placement\":\"bottom\","
			  "\"showLegend\":true,\"calcs\":[\"mean\",\"max\",\"lastNotNull\"]},"
			  "\"tooltip\":{\"mode\":\"multi\",\"sort\":\"desc\"}}");
	else if (strcmp(panel->type, "stat") == 0)
		board_raw(
			board, "options",
			"{\"colorMode\":\"value\",\"graphMode\":\"area\",\"justifyMode\":\"auto\","
			"\"orientation\":\"auto\",\"textMode\":\"auto\",\"reduceOptions\":"
			"{\"calcs\":[\"lastNotNull\"],\"fields\":\"\",\"values\":false}}");
	else
		board_raw(board, "options",
			  "{\"displayMode\":\"gradient\",\"orientation\":\"horizontal\","
			  "\"showUnfilled\":true,\"reduceOptions\":{\"calcs\":[\"lastNotNull\"],"
			  "\"fields\":\"\",\"values\":false}}");
}

#define PANEL_DATASOURCE "{\"type\":\"prometheus\",\"uid\":\"${datasource}\"}"

/* A panel of one query; legend: as Grafana has it, "{{service_name}}". */
static void board_panel(struct grafana_board *board, const struct grafana_panel *panel,
			const char *legend, const char *query)
{
	struct buf *out = board->out;
	const bool instant = strcmp(panel->type, "bargauge") == 0;

	panel_begin(board, panel);
	board_raw(board, "datasource", PANEL_DATASOURCE);
	panel_fields(board, panel);
	buf_puts(out, ",\"targets\":[{\"refId\":\"A\"");
	board_raw(board, "datasource", PANEL_DATASOURCE);
	buf_json_text(out, "expr", query);
	buf_json_text(out, "legendFormat", legend);
	board_raw(board, "instant", instant ? "true" : "false");
	board_raw(board, "range", instant ? "false" : "true");
	buf_puts(out, "}]}");
}

/* ---- what a dashboard shows ---- */

/* The team's requests: spans of servers and of what takes messages. errors: those that failed. */
static const char *calls_of(const struct grafana_board *board, bool errors)
{
	return arena_printf(board->exported->arena,
			    "rate(%s{%s=~\"$service\",span_kind=~\"SPAN_KIND_(SERVER|CONSUMER)\"%s}"
			    "[$__rate_interval])",
			    board->metrics->calls, board->metrics->service,
			    errors ? ",status_code=\"STATUS_CODE_ERROR\"" : "");
}

/* by: "", or a list of labels. */
static const char *quantile_of(const struct grafana_board *board, const char *quantile,
			       const char *by)
{
	return arena_printf(board->exported->arena,
			    "histogram_quantile(%s, sum by (le%s) (rate(%s{%s=~\"$service\","
			    "span_kind=~\"SPAN_KIND_(SERVER|CONSUMER)\"}[$__rate_interval])))",
			    quantile, by, board->metrics->duration, board->metrics->service);
}

static const char *errors_by(const struct grafana_board *board, const char *by)
{
	return arena_printf(board->exported->arena, "(sum%s (%s) or 0 * sum%s (%s)) / sum%s (%s)",
			    by, calls_of(board, true), by, calls_of(board, false), by,
			    calls_of(board, false));
}

static const char *alerts_of(const struct grafana_board *board)
{
	return arena_printf(
		board->exported->arena,
		"count(ALERTS{alertstate=\"firing\",service=~\"$service\"} or "
		"ALERTS{alertstate=\"firing\",service_name=~\"$service\"}) or vector(0)");
}

static void board_stats(struct grafana_board *board)
{
	struct arena *arena = board->exported->arena;
	const double second = *board->metrics->unit == 'm' ? 1000 : 1;

	board_panel(board,
		    &(struct grafana_panel){ "stat", "Requests", "Of all services chosen above",
					     "reqps", 6, 4, 0, 0 },
		    "", arena_printf(arena, "sum(%s)", calls_of(board, false)));
	board_panel(board,
		    &(struct grafana_panel){ "stat", "Errors",
					     "Share of requests whose span has the status error",
					     "percentunit", 6, 4, 0.01, 0.05 },
		    "", errors_by(board, ""));
	board_panel(board,
		    &(struct grafana_panel){ "stat", "Duration, 95th percentile",
					     "95 of 100 requests take less", board->metrics->unit,
					     6, 4, 0.5 * second, 2 * second },
		    "", quantile_of(board, "0.95", ""));
	board_panel(
		board,
		&(struct grafana_panel){ "stat", "Alerts firing",
					 "Of Prometheus, whose label service or service_name is "
					 "one of the services",
					 "none", 6, 4, 1, 3 },
		"", alerts_of(board));
}

static void board_red(struct grafana_board *board)
{
	struct arena *arena = board->exported->arena;
	const char *service = board->metrics->service;
	const char *by = arena_printf(arena, " by (%s)", service);
	const char *legend = arena_printf(arena, "{{%s}}", service);
	const char *operation = arena_printf(arena, "{{%s}} {{span_name}}", service);

	board_row(board, "Rate, errors, duration");
	board_panel(board,
		    &(struct grafana_panel){ "timeseries", "Requests by service", NULL, "reqps", 8,
					     9, 0, 0 },
		    legend, arena_printf(arena, "sum%s (%s)", by, calls_of(board, false)));
	board_panel(board,
		    &(struct grafana_panel){ "timeseries", "Errors by service",
					     "Share of requests that failed", "percentunit", 8, 9,
					     0.01, 0.05 },
		    legend, errors_by(board, by));
	board_panel(board,
		    &(struct grafana_panel){ "timeseries", "Duration by service, 95th percentile",
					     NULL, board->metrics->unit, 8, 9, 0, 0 },
		    legend, quantile_of(board, "0.95", arena_printf(arena, ", %s", service)));
	board_panel(board,
		    &(struct grafana_panel){ "bargauge", "Operations that fail most",
					     "Failed requests a second, the first 10", "reqps", 12,
					     9, 0.01, 1 },
		    operation,
		    arena_printf(arena, "topk(10, sum by (%s, span_name) (%s) > 0)", service,
				 calls_of(board, true)));
	board_panel(board,
		    &(struct grafana_panel){ "bargauge", "Slowest operations",
					     "95th percentile, the first 10", board->metrics->unit,
					     12, 9, 0, 0 },
		    operation,
		    arena_printf(arena, "topk(10, %s)",
				 quantile_of(board, "0.95",
					     arena_printf(arena, ", %s, span_name", service))));
}

/* The relay's metrics have no label for a team: these are of all teams, and say so. */
static void board_pages(struct grafana_board *board)
{
	board_row(board, "Pages of all teams (tracepager's metrics have no team)");
	board_panel(board,
		    &(struct grafana_panel){ "timeseries", "Deliveries of pages", NULL, "short", 8,
					     8, 0, 0 },
		    "{{result}}",
		    "sum by (result) (increase(tracepager_pages_total[$__rate_interval]))");
	board_panel(board,
		    &(struct grafana_panel){ "timeseries", "From alert to page, 95th percentile",
					     "Finding the cause has 5 seconds by default", "s", 8,
					     8, 5, 10 },
		    "95 of 100",
		    "histogram_quantile(0.95, sum by (le) "
		    "(rate(tracepager_alert_to_page_seconds_bucket[$__rate_interval])))");
	board_panel(board,
		    &(struct grafana_panel){ "timeseries", "Incidents",
					     "Unreached: no pager has taken their page", "short", 8,
					     8, 0, 0 },
		    "{{__name__}}", "{__name__=~\"tracepager_incidents_(open|unreached)\"}");
}

/* A cell of a Markdown table: nothing in it may end the cell or be read as HTML. */
static void add_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*_{}[]()#+!|<>&", *text))
			buf_printf(out, "&#%d;", (unsigned char)*text);
		else
			buf_putc(out, (unsigned char)*text < 0x20 ? ' ' : *text);
	}
}

static void add_cell_link(struct buf *out, const char *title, const char *address)
{
	if (!address)
		return;
	buf_puts(out, "[");
	add_cell(out, title);
	buf_puts(out, "](");
	for (; *address; address++) {
		if (strchr("()<>\"\\ ", *address) || (unsigned char)*address < 0x20)
			buf_printf(out, "%%%02X", (unsigned char)*address);
		else
			buf_putc(out, *address);
	}
	buf_puts(out, ") ");
}

static void add_service_line(struct grafana_board *board, const struct service_entry *entry,
			     struct buf *out)
{
	const struct service_rule *service = &entry->rule;
	struct arena *arena = board->exported->arena;
	const char *name = entry->service ? entry->service : service_glob(entry);
	const struct rule_link own[] = { { "Runbook", service->runbook },
					 { "Dashboard", service->dashboard } };

	buf_puts(out, "| ");
	add_cell(out, name);
	buf_puts(out, " | ");
	add_cell(out, service->criticality ? service->criticality : "");
	buf_puts(out, " | ");
	for (size_t i = 0; i < ARRAY_LEN(own) + service->nlinks; i++) {
		const struct rule_link *link =
			i < ARRAY_LEN(own) ? &own[i] : &service->links[i - ARRAY_LEN(own)];
		const char *address =
			link->href ? export_address(arena, link->href, service, name) : NULL;
		add_cell_link(out, link->text, address);
		if (link->href && !address)
			export_lose(board->exported, service->place,
				    "service %s: the link \"%s\" needs an alert or a trace: left "
				    "out",
				    service->name, link->text);
	}
	buf_puts(out, "|\n");
}

static void board_services(struct grafana_board *board)
{
	const struct ruleset *rules = board->exported->rules;
	struct buf text = BUF_INIT(LIMIT_EXPORT_BYTES);

	if (board->team->channel) {
		buf_puts(&text, "Channel: ");
		add_cell(&text, board->team->channel);
		buf_puts(&text, "\n\n");
	}
	buf_puts(&text, "| service | criticality | links |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < rules->nservices; i++)
		if (rules->services[i].rule.owner == board->team)
			add_service_line(board, &rules->services[i], &text);
	panel_begin(board, &(struct grafana_panel){
				   .type = "text", .title = "Services", .w = 12, .h = 8 });
	buf_json_key(board->out, "options");
	buf_puts(board->out, "{\"mode\":\"markdown\"");
	buf_json_text(board->out, "content", buf_text(&text));
	buf_puts(board->out, "}}");
	board->out->failed |= text.failed;
	buf_fini(&text);
}

static void board_alerts(struct grafana_board *board)
{
	panel_begin(board, &(struct grafana_panel){
				   .type = "alertlist",
				   .title = "Alerts",
				   .description = "Of Grafana and its datasources, by the label "
						  "service",
				   .w = 12,
				   .h = 8 });
	buf_json_key(board->out, "options");
	buf_puts(board->out,
		 "{\"viewMode\":\"list\",\"groupMode\":\"default\",\"groupBy\":[],\"maxItems\":20,"
		 "\"sortOrder\":3,\"dashboardAlerts\":false,\"alertName\":\"\","
		 "\"stateFilter\":{\"firing\":true,\"pending\":true,\"error\":true,"
		 "\"noData\":false,\"normal\":false}");
	buf_json_text(board->out, "alertInstanceLabelFilter",
		      arena_printf(board->exported->arena, "{service=~\"%s\"}", board->services));
	buf_puts(board->out, "}}");
}

/* ---- the frame ---- */

static void board_variables(struct grafana_board *board)
{
	struct buf *out = board->out;
	const char *query = arena_printf(board->exported->arena, "label_values(%s{%s=~\"%s\"}, %s)",
					 board->metrics->calls, board->metrics->service,
					 board->services, board->metrics->service);

	buf_puts(out,
		 ",\n\"templating\":{\"list\":[{\"name\":\"datasource\",\"label\":\"Prometheus\","
		 "\"type\":\"datasource\",\"query\":\"prometheus\",\"regex\":\"\","
		 "\"refresh\":1,\"hide\":0,\"includeAll\":false,\"multi\":false,"
		 "\"current\":{},\"options\":[]},\n"
		 "{\"name\":\"service\",\"label\":\"Service\",\"type\":\"query\","
		 "\"datasource\":" PANEL_DATASOURCE ",\"refresh\":2,\"sort\":1,\"hide\":0,"
		 "\"multi\":true,\"includeAll\":true,\"regex\":\"\",\"options\":[],"
		 "\"current\":{\"selected\":true,\"text\":[\"All\"],\"value\":[\"$__all\"]}");
	buf_json_text(out, "allValue", board->services);
	buf_json_text(out, "definition", query);
	buf_puts(out, ",\"query\":{\"refId\":\"services\"");
	buf_json_text(out, "query", query);
	buf_puts(out, "}}]}");
}

static void board_links(struct grafana_board *board)
{
	const char *url = board->exported->how.url;
	struct buf address = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	buf_json_key(board->out, "links");
	buf_putc(board->out, '[');
	if (url) {
		const size_t len = strlen(url);
		buf_add(&address, url, len && url[len - 1] == '/' ? len - 1 : len);
		buf_puts(&address, "/?team=");
		template_escape(board->team->name, &address);
		buf_puts(board->out,
			 "{\"type\":\"link\",\"icon\":\"external link\","
			 "\"title\":\"Incidents\",\"targetBlank\":true,\"tags\":[],"
			 "\"asDropdown\":false,\"includeVars\":false,\"keepTime\":false,"
			 "\"tooltip\":\"Incidents of this team at tracepager\"");
		buf_json_text(board->out, "url", buf_text(&address));
		buf_putc(board->out, '}');
	}
	buf_putc(board->out, ']');
	buf_fini(&address);
}

static void write_board(struct grafana_board *board, const char *uid)
{
	struct arena *arena = board->exported->arena;
	struct buf *out = board->out;

	buf_puts(out, "{\"id\":null");
	buf_json_text(out, "uid", uid);
	buf_json_text(out, "title", arena_printf(arena, "Team %s", board->team->title));
	buf_json_text(out, "description",
		      arena_printf(arena, "Made by \"tracepager export grafana\" from %s",
				   board->team->place));
	buf_puts(out, ",\"tags\":[\"tracepager\",\"team\"],\"timezone\":\"browser\","
		      "\"editable\":true,\"graphTooltip\":1,\"refresh\":\"1m\",\"version\":1,"
		      "\"weekStart\":\"\",\"fiscalYearStartMonth\":0,\"liveNow\":false,"
		      "\"time\":{\"from\":\"now-3h\",\"to\":\"now\"},\"timepicker\":{},"
		      "\"annotations\":{\"list\":[]}");
	buf_json_int(out, "schemaVersion", GRAFANA_SCHEMA);
	board_links(board);
	board_variables(board);
	buf_puts(out, ",\n\"panels\":[");
	board_stats(board);
	board_services(board);
	board_alerts(board);
	board_red(board);
	board_pages(board);
	buf_puts(out, "\n]}\n");
}

void grafana_export(struct exported *exported)
{
	const struct ruleset *rules = exported->rules;

	export_lose(exported, NULL,
		    "tracepager's metrics have no label for a team: the panels of pages are of all "
		    "teams");
	for (size_t i = 0; i < rules->nteams; i++) {
		const struct team *team = &rules->teams[i];
		struct grafana_board board = { .exported = exported,
					       .team = team,
					       .metrics = &span_metrics[exported->how.metrics],
					       .services = team_services(exported, team) };
		if (!board.services) {
			export_lose(exported, team->place,
				    "team %s owns no service by name: it has no dashboard",
				    team->name);
			continue;
		}
		const char *uid = grafana_uid(exported->arena, team->name);
		board.out =
			export_add_file(exported, arena_printf(exported->arena, "%s.json", uid));
		write_board(&board, uid);
	}
}
