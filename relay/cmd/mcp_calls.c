/*
 * Mcp, what_calls_what: calls between services, from the traces that a call names, else from those
 * that the running relay has gathered.
 */
#include <stdlib.h>

#include "mcp-internal.h"
#include "tracepager/limits.h"
#include "tracepager/past_map.h"
#include "tracepager/xalloc.h"

#define MAP_PATH      "/api/v1/map"
#define CALLS_USUALLY 50

static json_int_t edge_count(const json_t *edge, const char *name)
{
	return json_integer_value(json_object_get(edge, name));
}

/* The most failed calls first, then the most calls. */
static int compare_edges(const void *a, const void *b)
{
	static const char *const counts[] = { "errors", "calls" };
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		const json_int_t left = edge_count(x, counts[i]), right = edge_count(y, counts[i]);
		if (left != right)
			return left < right ? 1 : -1;
	}
	return 0;
}

/* The first edges, and their ends, of a map. */
static void cut_map(json_t *map, size_t most)
{
	const json_t *edges = json_object_get(map, "edges"),
		     *services = json_object_get(map, "services");
	size_t n = json_array_size(edges);
	CLEANUP_FREE json_t **all = xcalloc(n + 1, sizeof(*all));
	CLEANUP_FREE bool *ends = xcalloc(json_array_size(services) + 1, sizeof(*ends));
	json_t *kept = json_array(), *seen = json_array();

	for (size_t i = 0; i < n; i++)
		all[i] = json_array_get(edges, i);
	qsort(all, n, sizeof(*all), compare_edges);
	for (size_t i = 0; i < n && i < most; i++) {
		json_array_append(kept, all[i]);
		for (int end = 0; end < 2; end++) {
			json_int_t id = edge_count(all[i], end ? "to" : "from");
			if (id >= 0 && id < (json_int_t)json_array_size(services))
				ends[id] = true;
		}
	}
	for (size_t i = 0; i < json_array_size(services); i++)
		if (ends[i])
			json_array_append(seen, json_array_get(services, i));
	json_object_set_new(map, "edges_in_all", json_integer((json_int_t)n));
	json_object_set_new(map, "edges", kept);
	json_object_set_new(map, "services", seen);
}

/* Takes the map. window NULL: the map is the relay's. */
static json_t *calls_result(json_t *map, const struct mcp_window *window, const json_t *arguments)
{
	static const char *const of_store[] = { "since",
						"decisions",
						"decisions_waiting",
						"decisions_without_traces",
						"decisions_in_part",
						"decisions_unreadable" };

	for (size_t i = 0; window && i < ARRAY_LEN(of_store); i++)
		json_object_del(map, of_store[i]);
	cut_map(map, mcp_number(arguments, "limit", CALLS_USUALLY));
	if (window && json_array_size(window->problems))
		json_object_set(map, "problems", window->problems);
	return mcp_result_of(map);
}

static json_t *calls_in_window(const struct mcp_window *window, const struct ruleset *rules,
			       const json_t *arguments)
{
	const char *service = mcp_text(arguments, "service");
	const struct service_map_part part = {
		.service = service,
		.depth = 1,
	};
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	struct buf doc = BUF_INIT(LIMIT_MAP_TEXT_BYTES);
	struct service_map_view all, view;
	struct past_map map;
	json_t *json;

	past_map_init(&map, 0);
	for (size_t i = 0; i < window->ntraces; i++)
		service_map_add(map.map, window->traces[i]);
	past_map_read(&map, arena, rules, &all);
	service_map_select(&all, &part, arena, &view);
	past_map_write_json(&view, &map.basis, &doc);
	json = doc.failed ? NULL : json_loadb(buf_text(&doc), doc.len, 0, NULL);
	buf_fini(&doc);
	past_map_fini(&map);
	arena_free(arena);
	return json ? calls_result(json, window, arguments)
		    : mcp_error("the map of these traces is too large: give fewer of them");
}

static json_t *calls_of_relay(const struct mcp_tools *tools, const json_t *arguments)
{
	struct buf path = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
	struct client_answer answer;

	client_query_add(&query, "service", mcp_text(arguments, "service"));
	buf_printf(&path, MAP_PATH "%s%s", query.len ? "?" : "", buf_text(&query));
	enum client_status status = client_get(tools->client, buf_text(&path), &answer);
	json_t *result = status == CLIENT_DONE
				 ? calls_result(json_incref(answer.json), NULL, arguments)
				 : mcp_error("%s. Or give traces (as text), or trace_files",
					     answer.err.text);
	client_answer_fini(&answer);
	buf_fini(&path);
	buf_fini(&query);
	return result;
}

json_t *mcp_tool_what_calls_what(const struct mcp_tools *tools, const json_t *arguments)
{
	const json_t *traces = json_object_get(arguments, "traces"),
		     *files = json_object_get(arguments, "trace_files");
	struct ruleset *rules;
	struct mcp_window window;

	if ((!traces || json_is_null(traces)) && !json_array_size(files))
		return calls_of_relay(tools, arguments);
	json_t *result = mcp_rules_read(tools, arguments, &rules);
	mcp_window_init(&window);
	if (!result)
		result = mcp_window_read(&window, tools, traces, files, rules);
	if (!result && !window.ntraces)
		result = mcp_error("there is no trace to count calls in: %s", window.missing_text);
	if (!result)
		result = calls_in_window(&window, rules, arguments);
	mcp_window_fini(&window);
	rules_unref(rules);
	return result;
}
