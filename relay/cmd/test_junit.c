/*
 * Test, JUnit: results as XML, in the shape that Jenkins' and GitLab's readers take. A test that is
 * malformed is an error, a test that was decided otherwise than expected is a failure, and a whole
 * file that is malformed is a case of its own. Owns nothing.
 */
#include <stdio.h>
#include <string.h>

#include "test-internal.h"

/* XML 1.0, section 2.2: control characters cannot be written, not even escaped, so that U+FFFD
 * stands for each. */
static void add_xml_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		default:
			if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
				buf_putc(out, *text);
			else
				buf_puts(out, "\xef\xbf\xbd");
		}
	}
}

static void add_attribute(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, " %s=\"", name);
	add_xml_text(out, value);
	buf_putc(out, '"');
}

/* <failure message="the first finding">all findings, as on a terminal</failure> */
static void add_xml_findings(struct buf *out, const struct findings *findings, size_t first,
			     size_t n)
{
	bool failure = true;
	struct buf text = BUF_INIT(out->cap);

	for (size_t i = first; i < first + n; i++)
		failure &= strcmp(findings->at[i].code, "T001") == 0;
	const char *element = failure ? "failure" : "error";
	buf_printf(out, "      <%s", element);
	add_attribute(out, "type", findings->at[first].code);
	add_attribute(out, "message", findings->at[first].text);
	buf_putc(out, '>');
	findings_write(&(struct findings){ .at = findings->at + first, .n = n }, false, &text);
	add_xml_text(out, buf_text(&text));
	buf_printf(out, "</%s>\n", element);
	buf_fini(&text);
}

static void add_case(struct buf *out, const char *file, const char *name,
		     const struct findings *findings, size_t first, size_t n)
{
	buf_puts(out, "    <testcase");
	add_attribute(out, "classname", file);
	add_attribute(out, "name", name);
	if (!n) {
		buf_puts(out, "/>\n");
		return;
	}
	buf_puts(out, ">\n");
	add_xml_findings(out, findings, first, n);
	buf_puts(out, "    </testcase>\n");
}

/* A suite holds the tests of one file, which stand together in the list. */
static void add_suite(struct buf *out, const struct rule_tests *tests, size_t first, size_t n)
{
	size_t failed = 0;

	for (size_t i = first; i < first + n; i++)
		failed += tests->at[i].findings.nerrors > 0;
	buf_puts(out, "  <testsuite");
	add_attribute(out, "name", tests->at[first].file);
	buf_printf(out, " tests=\"%zu\" failures=\"%zu\">\n", n, failed);
	for (size_t i = first; i < first + n; i++) {
		const struct rule_test *test = &tests->at[i];
		add_case(out, test->file, test->name, &test->findings, 0, test->findings.n);
	}
	buf_puts(out, "  </testsuite>\n");
}

static void add_files(struct buf *out, const struct findings *findings)
{
	if (!findings->n)
		return;
	buf_printf(out, "  <testsuite name=\"files\" tests=\"%zu\" errors=\"%zu\">\n", findings->n,
		   findings->n);
	for (size_t i = 0; i < findings->n; i++)
		add_case(out, findings->at[i].file, "is a file of tests", findings, i, 1);
	buf_puts(out, "  </testsuite>\n");
}

void test_write_junit(const struct rule_tests *tests, struct buf *out)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	add_files(out, &tests->findings);
	for (size_t i = 0, n; i < tests->n; i += n) {
		for (n = 1; i + n < tests->n; n++)
			if (strcmp(tests->at[i].file, tests->at[i + n].file) != 0)
				break;
		add_suite(out, tests, i, n);
	}
	buf_puts(out, "</testsuites>\n");
}
