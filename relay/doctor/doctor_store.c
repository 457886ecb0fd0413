/* Doctor, store: what the file says of itself, and who has it. */
#include "doctor-internal.h"
#include "tracepager/store_look.h"

static void store_lock(struct doctor *doctor)
{
	if (!doctor->runs)
		doctor_tell(doctor, DOCTOR_STORE_LOCK, DOCTOR_OK, NULL, NULL,
			    "no relay runs with the store");
	else if (doctor->pid)
		doctor_tell(doctor, DOCTOR_STORE_LOCK, DOCTOR_OK, NULL, NULL,
			    "a relay runs with the store (pid %ld)", (long)doctor->pid);
	else
		doctor_tell(doctor, DOCTOR_STORE_LOCK, DOCTOR_OK, NULL, NULL,
			    "a relay runs with the store");
}

static void store_size(struct doctor *doctor, const struct store_look *look)
{
	if (!look->exists)
		doctor_tell(doctor, DOCTOR_STORE_SIZE, DOCTOR_SKIPPED, NULL, NULL,
			    "there is no store yet; a start makes it");
	else if (look->wal_bytes > LIMIT_WAL_WANTED_BYTES)
		doctor_tell(doctor, DOCTOR_STORE_SIZE, DOCTOR_WARNING, NULL,
			    doctor->runs ? "end what reads the store for minutes (lsof)"
					 : "start the relay: it empties the log",
			    "the write-ahead log has %lld MiB: its checkpoints do not end",
			    (long long)(look->wal_bytes >> 20));
	else
		doctor_tell(doctor, DOCTOR_STORE_SIZE, DOCTOR_OK, NULL, NULL,
			    "%lld MiB, and %lld MiB of write-ahead log",
			    (long long)(look->bytes >> 20), (long long)(look->wal_bytes >> 20));
}

void doctor_look_at_store(struct doctor *doctor)
{
	struct store_look look;
	struct err err = { 0 };

	if (doctor->preflight.config->store_unread)
		return;
	store_look(doctor->preflight.config->store_path, &look, &err);
	if (!doctor_has_told(doctor, DOCTOR_STORE) && look.schema)
		doctor_tell(doctor, DOCTOR_STORE, DOCTOR_OK, NULL, NULL, "%s is of schema %d",
			    doctor->preflight.config->store_path, look.schema);
	else if (!doctor_has_told(doctor, DOCTOR_STORE))
		doctor_tell(doctor, DOCTOR_STORE, DOCTOR_OK, NULL, NULL,
			    "%s can be made by the first start",
			    doctor->preflight.config->store_path);
	store_lock(doctor);
	store_size(doctor, &look);
}
