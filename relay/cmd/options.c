/*
 * Options: one parser for all commands, on getopt_long(). It sets the defaults, reads each value as
 * its kind says, and counts the arguments. Owns the arrays of LIST options until it succeeds.
 */
#include "options-internal.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/findings.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

/* What getopt_long() returns for the row i of the table: beyond every letter. */
#define FIRST_VALUE 256

struct option_reader {
	const struct command_row *command;
	char *target; /* the command's struct */
	int64_t now_us;
};

static bool of_command(const struct option_reader *reader, const struct command_option *option)
{
	return strcmp(option->command, reader->command->name) == 0;
}

/* ---- values ---- */

/* Prints what the option takes and what was given; returns false. */
static bool refuse_value(const struct option_reader *reader, const struct command_option *option,
			 const char *allowed, const char *value)
{
	usage_error(reader->command->name, "--%s is %s, not \"%s\"", option->name, allowed, value);
	return false;
}

static bool read_option_word(const struct option_reader *reader,
			     const struct command_option *option, const char *value)
{
	struct buf allowed = BUF_INIT(LIMIT_HELP_BYTES);
	const char *at = option->range, *word;
	unsigned int number = 0;
	size_t len;

	for (; bar_word_next(&at, &word, &len); number++) {
		if (strlen(value) == len && strncmp(value, word, len) == 0) {
			memcpy(reader->target + option->offset, &number, sizeof(number));
			buf_fini(&allowed);
			return true;
		}
		buf_printf(&allowed, "%s%.*s", !number ? "" : *at ? ", " : " or ", (int)len, word);
	}
	refuse_value(reader, option, buf_text(&allowed), value);
	buf_fini(&allowed);
	return false;
}

static bool read_option_number(const struct option_reader *reader,
			       const struct command_option *option, const char *value)
{
	long long least = 0, most = 0;
	char *end = NULL, allowed[80];

	sscanf(option->range, "%lld-%lld", &least, &most);
	long long number = strtoll(value, &end, 10);
	if (*value && !*end && number >= least && number <= most) {
		*(int64_t *)(void *)(reader->target + option->offset) = number;
		return true;
	}
	snprintf(allowed, sizeof(allowed), "a number from %lld to %lld", least, most);
	return refuse_value(reader, option, allowed, value);
}

/* A range of a DURATION is "LEAST-MOST", both as a person writes them; "": any. */
static bool read_option_duration(const struct option_reader *reader,
				 const struct command_option *option, const char *value)
{
	const char *dash = strchr(option->range, '-');
	int64_t us, least = 0, most = INT64_MAX;
	char text[32], allowed[80];

	if (dash) {
		snprintf(text, sizeof(text), "%.*s", (int)(dash - option->range), option->range);
		duration_parse(text, &least);
		duration_parse(dash + 1, &most);
		snprintf(allowed, sizeof(allowed), "a duration from %s to %s", text, dash + 1);
	}
	if (!duration_parse(value, &us) || us < least || us > most)
		return refuse_value(reader, option,
				    dash ? allowed : "a duration such as 12h or 180d", value);
	*(int64_t *)(void *)(reader->target + option->offset) = us;
	return true;
}

static void add_to_list(struct option_list *list, char *value)
{
	list->at = xrealloc_array(list->at, list->n + 1, sizeof(*list->at));
	list->at[list->n++] = value;
}

static bool parse_time(const char *value, int64_t now_us, int64_t *ret_us)
{
	int64_t us = 0;

	if (strcmp(value, "now") != 0 && !duration_parse(value, &us))
		return rfc3339_parse(value, strlen(value), ret_us) == 0 && *ret_us;
	*ret_us = us < now_us ? now_us - us : 0;
	return true;
}

/* False: the option does not take this value; an error has been printed. */
static bool read_option_value(const struct option_reader *reader,
			      const struct command_option *option, char *value)
{
	void *field = reader->target + option->offset;
	int64_t us;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_OPTIONAL:
	case OPTION_TEXT:
	case OPTION_NEEDED:
		*(const char **)field = value ? value : "";
		return true;
	case OPTION_LIST:
		add_to_list(field, value);
		return true;
	case OPTION_WORD:
		return read_option_word(reader, option, value);
	case OPTION_NUMBER:
		return read_option_number(reader, option, value);
	case OPTION_DURATION:
		return read_option_duration(reader, option, value);
	case OPTION_TIME:
		if (!parse_time(value, reader->now_us, &us))
			return refuse_value(reader, option,
					    "a time such as 7d (ago) or 2026-09-01T10:00:00Z",
					    value);
		*(int64_t *)field = us;
		return true;
	}
	return false;
}

static void set_option_defaults(const struct option_reader *reader)
{
	for (size_t i = 0; i < ncommand_options; i++) {
		const struct command_option *option = &command_options[i];
		/* The table's own text, which nobody writes to. */
		if (of_command(reader, option) && *option->value)
			read_option_value(reader, option, (char *)(uintptr_t)option->value);
	}
}

static void free_lists(const struct option_reader *reader)
{
	for (size_t i = 0; i < ncommand_options; i++) {
		void *field = reader->target + command_options[i].offset;
		if (of_command(reader, &command_options[i]) &&
		    command_options[i].kind == OPTION_LIST)
			free(((struct option_list *)field)->at);
	}
}

/* ---- what was called wrongly ---- */

/* "--formt=x" is told as --formt, with the option that was meant where one is close. */
static void refuse_option(const struct option_reader *reader, const char *word)
{
	CLEANUP_FREE const char **known = xcalloc(ncommand_options + 1, sizeof(*known));
	int len = (int)strcspn(word, "=");
	CLEANUP_FREE char *name = xstrndup(word, (size_t)len);
	size_t n = 0;

	known[n++] = "help";
	for (size_t i = 0; i < ncommand_options; i++)
		if (of_command(reader, &command_options[i]))
			known[n++] = command_options[i].name;
	const char *nearest = nearest_word(name + strspn(name, "-"), known, n);
	if (nearest)
		usage_error(reader->command->name, "there is no option %s (did you mean --%s?)",
			    name, nearest);
	else
		usage_error(reader->command->name, "there is no option %s", name);
}

/* Prints why getopt returned '?'. Its optopt is the option that takes no value, a letter that is no
 * option, or 0. */
static void refuse_word(const struct option_reader *reader, const char *word)
{
	char letter[] = { '-', (char)optopt, '\0' };

	if (optopt >= FIRST_VALUE)
		usage_error(reader->command->name, "--%s takes no value",
			    command_options[optopt - FIRST_VALUE].name);
	else if (optopt == 'h')
		usage_error(reader->command->name, "--help takes no value");
	else
		refuse_option(reader, optopt ? letter : word);
}

static void refuse_missing(const struct option_reader *reader, const struct command_option *option)
{
	usage_error(reader->command->name, "a value is missing: --%s %s", option->name,
		    option->kind == OPTION_WORD ? option->range : option->argument);
}

/* ---- arguments ---- */

/* False: the command takes more arguments, or fewer; an error has been printed. */
static bool check_arguments(const struct option_reader *reader, const struct option_list *arguments)
{
	const char *word = reader->command->arguments;
	bool many = false;
	size_t most = 0;

	for (; *word; word += strspn(word, " "), most++) {
		size_t len = strcspn(word, " ");
		many = len > 3 && strncmp(word + len - 3, "...", 3) == 0;
		if (*word != '[' && arguments->n <= most) {
			usage_error(reader->command->name, "%.*s is missing",
				    (int)(many ? len - 3 : len), word);
			return false;
		}
		word += len;
	}
	if (many || arguments->n <= most)
		return true;
	usage_error(reader->command->name,
		    most ? "\"%s\" is one argument too many"
			 : "\"%s\" was given, but this command takes options only",
		    arguments->at[most]);
	return false;
}

static bool check_needed(const struct option_reader *reader)
{
	for (size_t i = 0; i < ncommand_options; i++) {
		const struct command_option *option = &command_options[i];
		const void *field = reader->target + option->offset;
		if (!of_command(reader, option) || option->kind != OPTION_NEEDED ||
		    *(const char *const *)field)
			continue;
		usage_error(reader->command->name, "--%s %s is missing", option->name,
			    option->argument);
		return false;
	}
	return true;
}

/* ---- the whole ---- */

static void print_command_help(const struct command_row *command)
{
	struct buf text = BUF_INIT(LIMIT_HELP_BYTES);

	help_write_command(command, &text);
	fputs(buf_text(&text), stdout);
	buf_fini(&text);
}

static int argument_kind(const struct command_option *option)
{
	return option->kind == OPTION_FLAG	 ? no_argument
	       : option->kind == OPTION_OPTIONAL ? optional_argument
						 : required_argument;
}

/* The table as getopt_long() wants it. Caller frees. */
static struct option *make_long_options(const struct option_reader *reader)
{
	struct option *longs = xcalloc(ncommand_options + 2, sizeof(*longs));
	size_t n = 0;

	for (size_t i = 0; i < ncommand_options; i++)
		if (of_command(reader, &command_options[i]))
			longs[n++] = (struct option){ .name = command_options[i].name,
						      .has_arg = argument_kind(&command_options[i]),
						      .val = FIRST_VALUE + (int)i };
	longs[n] = (struct option){ .name = "help", .val = 'h' };
	return longs;
}

/* ":h", and each letter with a colon where it wants a value. */
static void write_letters(const struct option_reader *reader, struct buf *out)
{
	buf_puts(out, ":h");
	for (size_t i = 0; i < ncommand_options; i++)
		if (of_command(reader, &command_options[i]) && *command_options[i].letter)
			buf_printf(out, "%s%s", command_options[i].letter,
				   command_options[i].kind == OPTION_FLAG ? "" : ":");
}

/* The row of what getopt_long() found; NULL: of none. */
static const struct command_option *found_option(const struct option_reader *reader, int found)
{
	if (found >= FIRST_VALUE)
		return &command_options[found - FIRST_VALUE];
	for (size_t i = 0; i < ncommand_options; i++)
		if (of_command(reader, &command_options[i]) &&
		    command_options[i].letter[0] == found)
			return &command_options[i];
	return NULL;
}

/* -1: go on; else the exit status. */
static int read_line_options(const struct option_reader *reader, int argc, char **argv)
{
	CLEANUP_FREE struct option *longs = make_long_options(reader);
	struct buf letters = BUF_INIT(LIMIT_HELP_BYTES);
	int found, status = -1;

	write_letters(reader, &letters);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while (status < 0 &&
	       (found = getopt_long(argc, argv, buf_text(&letters), longs, NULL)) != -1) {
		if (found == 'h') {
			print_command_help(reader->command);
			status = 0;
		} else if (found == '?') {
			refuse_word(reader, argv[optind - 1]);
			status = STATUS_USAGE;
		} else if (found == ':') {
			refuse_missing(reader, found_option(reader, optopt));
			status = STATUS_USAGE;
		} else if (!read_option_value(reader, found_option(reader, found), optarg)) {
			status = STATUS_USAGE;
		}
	}
	buf_fini(&letters);
	return status;
}

static bool parse_line(const char *command, int argc, char **argv, void *target, int *ret_status)
{
	const struct option_reader reader = { .command = command_row_find(command),
					      .target = target,
					      .now_us = clock_wall_us(clock_system()) };
	struct option_list *arguments = target; /* each struct begins with them */

	set_option_defaults(&reader);
	int status = read_line_options(&reader, argc, argv);
	*arguments = (struct option_list){ argv + optind, (size_t)(argc - optind) };
	if (status < 0 && (!check_arguments(&reader, arguments) || !check_needed(&reader)))
		status = STATUS_USAGE;
	if (status < 0)
		return true;
	free_lists(&reader);
	*ret_status = status;
	return false;
}

#define COMMAND(name, words, text)                                                                 \
	_Static_assert(offsetof(struct name##_options, arguments) == 0, "arguments come first");   \
	bool options_parse_##name(int argc, char **argv, struct name##_options *ret_options,       \
				  int *ret_status)                                                 \
	{                                                                                          \
		*ret_options = (struct name##_options){ .arguments = { NULL, 0 } };                \
		return parse_line(#name, argc, argv, ret_options, ret_status);                     \
	}
#include "tracepager/tbl/commands.def"
#undef COMMAND
