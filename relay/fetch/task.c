/*
 * Task: work that an inquiry gives to the pool: linking a large document into traces, searching
 * files. A task owns everything that its thread touches, so that an inquiry may drop it at any
 * time.
 */
#include "fetch-internal.h"

#include <stdlib.h>

#include "tracepager/xalloc.h"

struct task {
	struct inquiry *inquiry; /* NULL: dropped. Only the loop touches it */
	const struct task_done *done;
	atomic_bool stop;
	struct arena *arena;
	struct signal signal;
	struct trace_query query;
	/* of task_decode() */
	struct trace_decoder *decoder;
	struct decoded decoded;
	/* of task_search() */
	struct files_query files;
	struct files_answer answer;
};

static int64_t trace_began_us(const struct trace *trace)
{
	return trace->spans[trace->first_root].start_us;
}

/* The trace takes the place of the oldest that was taken, if it is newer. */
static void replace_oldest(struct decoded *decoded, const struct trace *trace)
{
	size_t oldest = 0;

	for (size_t i = 1; i < decoded->ntraces; i++)
		if (trace_began_us(decoded->traces[i]) < trace_began_us(decoded->traces[oldest]))
			oldest = i;
	if (trace_began_us(trace) > trace_began_us(decoded->traces[oldest]))
		decoded->traces[oldest] = trace;
}

static void take_answers(struct decoded *decoded, const struct trace_query *query)
{
	bool filtered = !query->trace_id || decoded->set->ntraces > 1;

	for (uint32_t i = 0; i < decoded->set->ntraces; i++) {
		const struct trace *trace = &decoded->set->traces[i];
		if (filtered && !trace_answers(trace, query))
			continue;
		if (decoded->ntraces < query->limit)
			decoded->traces[decoded->ntraces++] = trace;
		else
			replace_oldest(decoded, trace);
	}
}

void decode_finish(struct trace_decoder *decoder, const struct trace_query *query,
		   struct decoded *ret_decoded)
{
	struct decoded *out = ret_decoded;

	*out = (struct decoded){ .ntraces = 0 };
	out->error = trace_decoder_finish(decoder, &out->set, &out->err);
	if (out->error)
		return;
	take_answers(out, query);
	if (out->ntraces || query->trace_id || !query->signal || !query->signal->service ||
	    !query->signal->service[0])
		return;
	/* Some backends know no operations, or name them otherwise: then any span of the service
	 * counts, as in the walk. */
	const struct signal service = { .service = query->signal->service,
					.namespace = query->signal->namespace };
	struct trace_query wider = *query;
	wider.signal = &service;
	take_answers(out, &wider);
}

static struct task *task_new(struct inquiry *inquiry, const struct task_env *env)
{
	struct task *task = xcalloc(1, sizeof(*task));

	task->inquiry = inquiry;
	task->done = env->done;
	task->arena = arena_new(LIMIT_INQUIRY_BYTES);
	query_copy(task->arena, env->query, &task->signal, &task->query);
	return task;
}

static void task_free(struct task *task)
{
	trace_decoder_free(task->decoder);
	trace_set_free(task->decoded.set);
	for (size_t i = 0; i < task->answer.nsets; i++)
		trace_set_free(task->answer.sets[i]);
	arena_free(task->arena);
	free(task);
}

static void task_run_decode(void *arg)
{
	struct task *task = arg;

	if (!atomic_load(&task->stop))
		decode_finish(task->decoder, &task->query, &task->decoded);
}

static void task_on_decoded(void *arg)
{
	struct task *task = arg;

	if (task->inquiry) {
		task->done->decoded(task->inquiry, &task->decoded);
		task->decoded.set = NULL;
	}
	task_free(task);
}

static void task_run_search(void *arg)
{
	struct task *task = arg;

	files_find(&task->files, &task->answer);
}

static void task_on_searched(void *arg)
{
	struct task *task = arg;

	if (task->inquiry) {
		task->done->searched(task->inquiry, &task->answer);
		task->answer.nsets = 0;
	}
	task_free(task);
}

struct task *task_decode(struct inquiry *inquiry, const struct task_env *env,
			 struct trace_decoder *decoder)
{
	struct task *task = task_new(inquiry, env);

	task->decoder = decoder;
	pool_submit(env->pool, task_run_decode, task_on_decoded, task);
	return task;
}

struct task *task_search(struct inquiry *inquiry, const struct task_env *env, const char *path)
{
	struct task *task = task_new(inquiry, env);

	task->files = (struct files_query){
		.path = arena_strdup(task->arena, path),
		.query = task->query,
		.stop = &task->stop,
	};
	options_copy(task->arena, env->options, &task->files.options);
	pool_submit(env->pool, task_run_search, task_on_searched, task);
	return task;
}

void task_drop(struct task *task)
{
	if (!task)
		return;
	task->inquiry = NULL;
	atomic_store(&task->stop, true);
}
