/* Doctor, inside: the structure of the store, which a thread of the pool reads. */
#include <errno.h>
#include <string.h>

#include "doctor-internal.h"
#include "tracepager/store_look.h"

struct doctor_inside {
	struct doctor *doctor;
	const char *path;
	size_t ticket;
	struct arena *arena; /* the thread's */
	const char *problems[LIMIT_DOCTOR_STORE_PROBLEMS];
	size_t nproblems;
	int result;
	struct err err;
};

static void inside_on_problem(void *ctx, const char *problem)
{
	struct doctor_inside *inside = ctx;

	if (inside->nproblems < LIMIT_DOCTOR_STORE_PROBLEMS)
		inside->problems[inside->nproblems++] = arena_strdup(inside->arena, problem);
}

static void inside_run(void *arg)
{
	struct doctor_inside *inside = arg;

	inside->result = doctor_is_over(inside->doctor)
				 ? -ETIME
				 : store_look_inside(inside->path, LIMIT_DOCTOR_STORE_US,
						     inside_on_problem, inside, &inside->err);
}

static void inside_done(void *arg)
{
	struct doctor_inside *inside = arg;
	struct doctor *doctor = inside->doctor;
	const char *cure = arena_printf(
		doctor->arena,
		"tracepager store check --store %s tells all; restore a backup, or let the next "
		"start put the store aside",
		inside->path);

	for (size_t i = 0; i < inside->nproblems; i++)
		doctor_tell(doctor, DOCTOR_STORE_INTEGRITY, DOCTOR_FAILURE, NULL, cure,
			    "the store is damaged: %s", inside->problems[i]);
	if (!inside->nproblems && inside->result == -ETIME)
		doctor_tell(doctor, DOCTOR_STORE_INTEGRITY, DOCTOR_SKIPPED, NULL, NULL,
			    "it is large; what could be read in %lld s is sound",
			    LIMIT_DOCTOR_STORE_US / US_PER_SECOND);
	else if (!inside->nproblems && inside->result == -EBADMSG)
		doctor_tell(doctor, DOCTOR_STORE_INTEGRITY, DOCTOR_FAILURE, NULL, cure,
			    "the store is damaged: %s", inside->err.text);
	else if (!inside->nproblems && inside->result < 0)
		doctor_tell(doctor, DOCTOR_STORE_INTEGRITY, DOCTOR_SKIPPED, NULL, NULL, "%s",
			    inside->err.text);
	else if (!inside->nproblems)
		doctor_tell(doctor, DOCTOR_STORE_INTEGRITY, DOCTOR_OK, NULL, NULL,
			    "its structure is sound");
	arena_free(inside->arena);
	inside->arena = NULL;
	doctor_end(doctor, inside->ticket);
}

void doctor_inside_begin(struct doctor *doctor)
{
	struct doctor_inside *inside = arena_alloc(doctor->arena, sizeof(*inside));
	struct store_look look;
	struct err err = { 0 };

	doctor->inside = inside;
	*inside = (struct doctor_inside){ .doctor = doctor,
					  .path = doctor->preflight.config->store_path };
	if (doctor->preflight.config->store_unread)
		return;
	int error = store_look(inside->path, &look, &err);
	if (!doctor_wants(doctor, DOCTOR_STORE_INTEGRITY))
		return;
	if (!look.exists || (error && !look.replaced)) {
		doctor_tell(doctor, DOCTOR_STORE_INTEGRITY, DOCTOR_SKIPPED, NULL, NULL, "%s",
			    look.exists ? "the store cannot be read" : "there is no store yet");
		return;
	}
	inside->arena = arena_new(1 << 20);
	inside->ticket = doctor_begin(doctor, "the store");
	pool_submit(doctor->pool, inside_run, inside_done, inside);
}
