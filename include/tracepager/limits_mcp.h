/*
 * The caps of "tracepager mcp", which talks to agents, and of post-mortems, each with its reason: a
 * section of limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_MCP_H
#define TRACEPAGER_LIMITS_MCP_H

/* One message: the traces of an alert as a text within JSON. Larger ones are given as files. */
#define LIMIT_MCP_MESSAGE_BYTES (16u << 20)
/* Messages that were read while a tool runs; more wait in the pipe. */
#define LIMIT_MCP_WAITING	64u
#define LIMIT_MCP_WAITING_BYTES (32u << 20)
/* The id of a request: clients count, or make a UUID. */
#define LIMIT_MCP_ID_BYTES 256u
/* The JSON of one result: some 12,000 tokens, which an agent reads in one piece. It stands in a
 * result twice, as text and as structured content. */
#define LIMIT_MCP_RESULT_BYTES (48u << 10)
/* An error's text: what is wrong and the cure; of rules, their first findings. */
#define LIMIT_MCP_ERROR_BYTES 6000u
/* What a result says of lists and texts that it cut. */
#define LIMIT_MCP_LEFT_OUT 20u
/* The traces of one call, of all its texts and files together. */
#define LIMIT_MCP_TRACES_BYTES (64u << 20)
/* Files of traces that one call names. */
#define LIMIT_MCP_FILES 64u
/* Documents that cannot be read, of which a result tells. */
#define LIMIT_MCP_PROBLEMS 10u
/* Names of files that an error offers, and how many entries of the directory are looked at. */
#define LIMIT_MCP_FILES_OFFERED 20u
#define LIMIT_MCP_FILES_LOOKED	1000u

/* Names that a post-mortem leaves out: of those who acted on one incident. */
#define LIMIT_REPORT_NAMES 100u
/* Facts, sentences or rows of one section: a story has LIMIT_STORY_EVENTS at most. */
#define LIMIT_REPORT_BLOCKS 1000u

#endif
