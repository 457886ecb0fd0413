/*
 * Doctor, findings: what preflight found becomes results, each of the check that doctor.def names
 * for its code. Checks of which nothing was found are well.
 */
#include <stdio.h>
#include <string.h>

#include "doctor-internal.h"
#include "tracepager/credential.h"
#include "tracepager/xalloc.h"

/* Is the code one of those, with blanks between them? */
static bool codes_have(const char *codes, const char *code)
{
	const char *found = strstr(codes, code);

	return found && (found == codes || found[-1] == ' ');
}

static enum doctor_check finding_check(const struct finding *finding)
{
	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++)
		if (codes_have(doctor_rows[i].codes, finding->code))
			return (enum doctor_check)i;
	/* The options are YAML too, whose faults have codes of the rules: but these come first. */
	return finding->code[0] == 'C' ? DOCTOR_CONFIG : DOCTOR_RULES;
}

static void finding_tell(struct doctor *doctor, enum doctor_check check,
			 const struct finding *finding)
{
	struct doctor_report *report = doctor->report;
	const size_t before = report->n;

	doctor_tell(doctor, check,
		    finding->level == FINDING_ERROR ? DOCTOR_FAILURE : DOCTOR_WARNING, NULL,
		    finding->hint, "%s", finding->text);
	if (report->n == before)
		return;
	report->at[before].code = finding->code;
	report->at[before].line = finding->line;
	if (finding->file)
		report->at[before].file = arena_strdup(doctor->arena, finding->file);
}

/* "1 team", "2 teams". */
static const char *findings_count(struct doctor *doctor, size_t n, const char *one)
{
	return arena_printf(doctor->arena, "%zu %s%s", n, one, n == 1 ? "" : "s");
}

/* The first few of the rules; check tells the others. */
static void findings_tell_rest(struct doctor *doctor, size_t errors, size_t warnings)
{
	const char *cure =
		arena_printf(doctor->arena, "tracepager check %s", doctor->preflight.config->rules);

	if (errors + warnings)
		doctor_tell(doctor, DOCTOR_RULES, errors ? DOCTOR_FAILURE : DOCTOR_WARNING, NULL,
			    cure, "the rules have %s%s%s",
			    errors ? findings_count(doctor, errors, "more error") : "",
			    errors && warnings ? " and " : "",
			    warnings ? findings_count(doctor, warnings, "more warning") : "");
}

static bool is_of_options(const struct doctor *doctor, const struct finding *finding)
{
	return doctor->config_path && finding->file &&
	       strcmp(finding->file, doctor->config_path) == 0;
}

static void findings_tell_each(struct doctor *doctor)
{
	const struct findings *findings = &doctor->preflight.findings;
	size_t ntold = 0, errors = 0, warnings = 0;

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->at[i];
		enum doctor_check check = finding_check(finding);
		if (check == DOCTOR_RULES && is_of_options(doctor, finding))
			check = DOCTOR_CONFIG;
		if (check == DOCTOR_DISK || check == DOCTOR_STORE_LOCK ||
		    check == DOCTOR_STORE_INTEGRITY)
			continue; /* these have more to say, by themselves */
		if (check != DOCTOR_RULES || ntold++ < LIMIT_DOCTOR_FINDINGS)
			finding_tell(doctor, check, finding);
		else if (finding->level == FINDING_ERROR)
			errors++;
		else
			warnings++;
	}
	findings_tell_rest(doctor, errors, warnings);
}

static void findings_tell_fine(struct doctor *doctor)
{
	const struct preflight *preflight = &doctor->preflight;
	const struct rules_seen *seen = &preflight->findings.seen;
	const struct config *config = preflight->config;
	const char *options = arena_printf(doctor->arena, "%s, %s",
					   findings_count(doctor, config->nsenders, "sender"),
					   findings_count(doctor, config->nsources, "source"));
	const char *rules = arena_printf(
		doctor->arena, "%s, %s, %s, %s in %s", findings_count(doctor, seen->teams, "team"),
		findings_count(doctor, seen->services, "service"),
		findings_count(doctor, seen->signals, "signal"),
		findings_count(doctor, seen->pagers, "pager"), config->rules);
	const struct {
		enum doctor_check check;
		const char *text;
	} fine[] = {
		{ DOCTOR_CONFIG, options },
		{ DOCTOR_RULES, rules },
		{ DOCTOR_PERMISSIONS, "keys and the store are the relay's only" },
		{ DOCTOR_TOKENS, config_is_loopback(config->listen)
					 ? "only this machine reaches the address"
					 : "every way in asks for a token" },
		{ DOCTOR_TIME_ZONES, "every place is known" },
	};

	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		if (!doctor_has_told(doctor, fine[i].check))
			doctor_tell(doctor, fine[i].check, DOCTOR_OK, NULL, NULL, "%s",
				    fine[i].text);
	if (!doctor_has_told(doctor, DOCTOR_TLS))
		doctor_tell(doctor, DOCTOR_TLS, config->tls ? DOCTOR_OK : DOCTOR_SKIPPED, NULL,
			    NULL, "%s",
			    config->tls ? "the certificate fits its key, and lasts"
					: "the HTTP server speaks no TLS");
}

static void findings_tell_rules(struct doctor *doctor)
{
	const struct preflight *preflight = &doctor->preflight;
	const bool loaded = preflight->rules;

	if (!doctor_has_told(doctor, DOCTOR_SOMEBODY))
		doctor_tell(doctor, DOCTOR_SOMEBODY, loaded ? DOCTOR_OK : DOCTOR_SKIPPED, NULL,
			    NULL, "%s%s",
			    loaded ? "the fallback team is " : "the rules have errors",
			    loaded ? rules_fallback(preflight->rules)->name : "");
	if (doctor_has_told(doctor, DOCTOR_RULE_TESTS))
		return;
	if (!loaded)
		doctor_tell(doctor, DOCTOR_RULE_TESTS, DOCTOR_SKIPPED, NULL, NULL,
			    "the rules have errors");
	else if (preflight->ntests)
		doctor_tell(doctor, DOCTOR_RULE_TESTS, DOCTOR_OK, NULL, NULL, "%s, and all pass",
			    findings_count(doctor, preflight->ntests, "test"));
	else
		doctor_tell(doctor, DOCTOR_RULE_TESTS, DOCTOR_SKIPPED, NULL, NULL,
			    "the rules have no tests");
}

/* Before permissions are told to be well: of these files nothing is known. */
static void findings_tell_credentials(struct doctor *doctor)
{
	size_t n = 0;
	CLEANUP_FREE char *names = credential_names_elsewhere(&n);

	if (n)
		doctor_tell(doctor, DOCTOR_PERMISSIONS, DOCTOR_SKIPPED, NULL,
			    "as root, doctor takes those of the running relay; else set "
			    "CREDENTIALS_DIRECTORY to a directory with such files",
			    "%s not looked at, which the service alone is passed: %s",
			    n == 1 ? "1 credential was"
				   : arena_printf(doctor->arena, "%zu credentials were", n),
			    names);
}

/* Where the options could not be read, a default that they do not use is not judged. */
static void findings_skip_unread(struct doctor *doctor)
{
	static const enum doctor_check of_rules[] = { DOCTOR_RULES, DOCTOR_RULE_TESTS,
						      DOCTOR_SOMEBODY };
	static const enum doctor_check of_store[] = { DOCTOR_DISK, DOCTOR_STORE, DOCTOR_STORE_LOCK,
						      DOCTOR_STORE_SIZE, DOCTOR_STORE_INTEGRITY };
	const struct config *config = doctor->preflight.config;

	for (size_t i = 0; config->rules_unread && i < ARRAY_LEN(of_rules); i++)
		doctor_tell(doctor, of_rules[i], DOCTOR_SKIPPED, NULL, NULL,
			    "the options cannot be read");
	for (size_t i = 0; config->store_unread && i < ARRAY_LEN(of_store); i++)
		doctor_tell(doctor, of_store[i], DOCTOR_SKIPPED, NULL, NULL,
			    "the options cannot be read");
}

void doctor_tell_findings(struct doctor *doctor)
{
	findings_tell_each(doctor);
	if (!doctor->preflight.read)
		return;
	findings_skip_unread(doctor);
	findings_tell_credentials(doctor);
	findings_tell_fine(doctor);
	findings_tell_rules(doctor);
}
