/*
 * Doctor, peers: each host that a source, a pager or an option names is probed once, in the pool:
 * its name, a connection, TLS. What is wrong with the host is told by the check of that layer, and
 * the check of the peer is then skipped, so that one fault is told once.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor-internal.h"
#include "tracepager/clock.h"
#include "tracepager/peer_sight.h"

struct doctor_host {
	struct doctor *doctor;
	struct probe_request request; /* its texts are the arena's */
	struct probe_result result;
	struct doctor_peer *peers;
	size_t ticket;
	bool done; /* result is set */
};

/* ---- naming ---- */

static bool texts_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Scheme, host and port: the rest of the URL may be a key. */
static size_t url_host_bytes(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return (size_t)(host - url) + strcspn(host, "/?#");
}

static bool host_is_of(const struct doctor_host *host, const struct probe_request *request)
{
	const size_t len = url_host_bytes(request->url);

	return strlen(host->request.url) == len &&
	       strncmp(host->request.url, request->url, len) == 0 &&
	       texts_same(host->request.ca_file, request->ca_file) &&
	       texts_same(host->request.cert_file, request->cert_file) &&
	       texts_same(host->request.user, request->user) && host->request.tls == request->tls;
}

static struct doctor_host *host_find(struct doctor *doctor, const struct probe_request *request)
{
	for (size_t i = 0; i < doctor->nhosts; i++)
		if (host_is_of(&doctor->hosts[i], request))
			return &doctor->hosts[i];
	if (doctor->nhosts == LIMIT_DOCTOR_HOSTS)
		return NULL;
	struct doctor_host *host = &doctor->hosts[doctor->nhosts++];
	*host = (struct doctor_host){ .doctor = doctor, .request = *request };
	host->request.url =
		arena_strndup(doctor->arena, request->url, url_host_bytes(request->url));
	host->request.ca_file = arena_strdup(doctor->arena, request->ca_file);
	host->request.cert_file = arena_strdup(doctor->arena, request->cert_file);
	host->request.key_file = arena_strdup(doctor->arena, request->key_file);
	return host;
}

void doctor_probe(struct doctor *doctor, const struct probe_request *request,
		  struct doctor_peer *peer)
{
	if (!doctor->hosts)
		doctor->hosts =
			arena_array(doctor->arena, LIMIT_DOCTOR_HOSTS, sizeof(*doctor->hosts));
	struct doctor_host *host = host_find(doctor, request);
	if (!host) {
		doctor_tell(doctor, peer->check, DOCTOR_SKIPPED, peer->name, NULL,
			    "there are more than %u hosts", LIMIT_DOCTOR_HOSTS);
		return;
	}
	/* One that may not be sent HEAD keeps the host from it. */
	host->request.wants_date &= request->wants_date;
	peer->next = host->peers;
	host->peers = peer;
}

/* ---- what a probe says ---- */

static const char *host_names(const struct doctor_host *host)
{
	struct buf names = BUF_INIT(LIMIT_DOCTOR_TEXT_BYTES);

	for (const struct doctor_peer *peer = host->peers; peer; peer = peer->next)
		buf_printf(&names, "%s%s %s", names.len ? ", " : "", doctor_rows[peer->check].name,
			   peer->name);
	const char *kept = arena_strdup(host->doctor->arena, buf_text(&names));
	buf_fini(&names);
	return kept;
}

static void host_tell_name(struct doctor_host *host)
{
	doctor_tell(host->doctor, DOCTOR_DNS, DOCTOR_FAILURE, host->result.host,
		    "correct the name in the url, or look at /etc/resolv.conf: getent hosts NAME",
		    "the name has no address (of %s)", host_names(host));
}

static void host_tell_certificate(struct doctor_host *host)
{
	const char *text = host->result.text;
	const bool over = strstr(text, "expired"), other = strstr(text, "subject name");

	doctor_tell(host->doctor, DOCTOR_PEER_CERTIFICATES, DOCTOR_FAILURE, host->result.host,
		    over    ? "renew the certificate there"
		    : other ? "name the host in the url as its certificate does"
			    : "name the authority that signed it: ca_file of the source or the "
			      "pager, else the system's (update-ca-certificates)",
		    "its certificate is refused (of %s): %s", host_names(host), text);
}

/* The first problem of the layers that have a check of their own. false: it has none. */
static bool host_tell_layer(struct doctor_host *host)
{
	if (host->result.step == PROBE_NAME)
		host_tell_name(host);
	else if (host->result.step == PROBE_CERTIFICATE)
		host_tell_certificate(host);
	else
		return false;
	return true;
}

/* Does paging need it? */
static bool peer_is_needed(const struct doctor_peer *peer)
{
	return peer->check != DOCTOR_EXTERNAL_URL && peer->check != DOCTOR_TRACING;
}

static void peer_tell(struct doctor_host *host, const struct doctor_peer *peer, bool told)
{
	struct doctor *doctor = host->doctor;
	const struct probe_result *result = &host->result;
	const char *cure =
		result->step == PROBE_LOGIN ? "check user and password of the pager"
		: result->step == PROBE_TLS
			? "does the port speak TLS? compare the url's scheme and port with it"
		: result->step == PROBE_ANSWER
			? "compare the url's scheme and port with what listens there"
			: "is it running, and does a firewall let this machine through?";

	if (told)
		doctor_tell(doctor, peer->check, DOCTOR_SKIPPED, peer->name, NULL,
			    "%s is not reached: see %s", result->host,
			    result->step == PROBE_NAME ? "dns" : "peer-certificates");
	else
		doctor_tell(doctor, peer->check,
			    peer_is_needed(peer) ? DOCTOR_FAILURE : DOCTOR_WARNING, peer->name,
			    cure, "%s does not answer: %s", result->host, result->text);
}

static void host_tell_end(struct doctor_host *host)
{
	const int64_t left_us = host->result.ends_us - host->doctor->wall_us;
	char at[RFC3339_SIZE];

	if (host->result.ends_us && left_us < LIMIT_PEER_CERTIFICATE_LEFT_US)
		doctor_tell(host->doctor, DOCTOR_PEER_CERTIFICATES, DOCTOR_WARNING,
			    host->result.host, "renew it there",
			    "its certificate ends in %lld day%s, at %s (of %s)",
			    (long long)(left_us / US_PER_DAY), left_us / US_PER_DAY == 1 ? "" : "s",
			    rfc3339_format(host->result.ends_us, at), host_names(host));
}

/* ---- the pool ---- */

static void host_run(void *arg)
{
	struct doctor_host *host = arg;

	if (doctor_is_over(host->doctor)) {
		host->result.step = PROBE_TIME;
		snprintf(host->result.text, sizeof(host->result.text),
			 "there was no time to ask it");
		snprintf(host->result.host, sizeof(host->result.host), "%s",
			 strstr(host->request.url, "://") + 3);
	} else {
		probe_peer(&host->request, &host->result);
	}
}

static void host_done(void *arg)
{
	struct doctor_host *host = arg;
	const bool there = host->result.step == PROBE_DONE;
	const bool told = !there && host_tell_layer(host);

	host->done = true;
	host_tell_end(host);
	for (struct doctor_peer *peer = host->peers; peer; peer = peer->next) {
		peer->probe = &host->result;
		if (!there)
			peer_tell(host, peer, told);
		else if (doctor_is_over(host->doctor))
			doctor_tell(host->doctor, peer->check, DOCTOR_SKIPPED, peer->name, NULL,
				    "there was no time to ask it");
		else if (peer->ready)
			peer->ready(host->doctor, peer);
	}
	doctor_end(host->doctor, host->ticket);
}

void doctor_probes_begin(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->nhosts; i++) {
		struct doctor_host *host = &doctor->hosts[i];
		host->request.timeout_us = LIMIT_DOCTOR_PEER_US;
		host->ticket = doctor_begin(doctor, host->request.url);
		pool_submit(doctor->pool, host_run, host_done, host);
	}
}

/* ---- what all say together ---- */

static void peers_tell_authorities(struct doctor *doctor)
{
	const char *path = probe_authorities();
	bool asked = false;

	for (size_t i = 0; i < doctor->nhosts; i++)
		asked |= !doctor->hosts[i].request.ca_file &&
			 (strncmp(doctor->hosts[i].request.url, "https", 5) == 0 ||
			  strncmp(doctor->hosts[i].request.url, "smtp", 4) == 0);
	if (*path && access(path, R_OK) < 0)
		doctor_tell(doctor, DOCTOR_CA_BUNDLE, asked ? DOCTOR_FAILURE : DOCTOR_SKIPPED, NULL,
			    "install the package ca-certificates",
			    "the system has no authorities to trust: %s cannot be read%s", path,
			    asked ? "" : ", and no peer needs them");
	else
		doctor_tell(doctor, DOCTOR_CA_BUNDLE, DOCTOR_OK, NULL, NULL, "%s",
			    *path ? path : "the library knows them");
}

static void peers_tell_fine(struct doctor *doctor)
{
	size_t nsecure = 0;

	for (size_t i = 0; i < doctor->nhosts; i++)
		nsecure += doctor->hosts[i].result.ends_us != 0;
	if (!doctor_has_told(doctor, DOCTOR_DNS))
		doctor_tell(doctor, DOCTOR_DNS, doctor->nhosts ? DOCTOR_OK : DOCTOR_SKIPPED, NULL,
			    NULL, "%zu host%s", doctor->nhosts,
			    doctor->nhosts == 1 ? " has an address" : "s have addresses");
	if (!doctor_has_told(doctor, DOCTOR_PEER_CERTIFICATES))
		doctor_tell(doctor, DOCTOR_PEER_CERTIFICATES, nsecure ? DOCTOR_OK : DOCTOR_SKIPPED,
			    NULL, NULL, nsecure ? "%zu are trusted and last" : "no peer shows one",
			    nsecure);
}

static struct peer_clock peers_clock(const struct doctor *doctor)
{
	struct peer_word words[LIMIT_DOCTOR_HOSTS];
	size_t n = 0;

	for (size_t i = 0; i < doctor->nhosts; i++) {
		const struct probe_result *result = &doctor->hosts[i].result;
		if (result->date_us)
			words[n++] = (struct peer_word){
				.ahead_us = result->asked_us - result->date_us - US_PER_SECOND / 2,
				.is_here = result->is_here,
			};
	}
	return peer_clock_of(words, n);
}

static void peers_tell_clock(struct doctor *doctor)
{
	const struct peer_clock clock = peers_clock(doctor);
	const int64_t off_us = clock.ahead_us < 0 ? -clock.ahead_us : clock.ahead_us;
	const char *synchronised = doctor_clock_state();
	char text[PEER_CLOCK_TEXT_SIZE];

	if (off_us > LIMIT_CLOCK_OFF_US)
		doctor_tell(doctor, DOCTOR_CLOCK,
			    off_us > LIMIT_CLOCK_BAD_US ? DOCTOR_FAILURE : DOCTOR_WARNING, NULL,
			    PEER_CLOCK_CURE, "%s", peer_clock_text(&clock, text));
	else if (clock.npeers)
		doctor_tell(doctor, DOCTOR_CLOCK, DOCTOR_OK, NULL, NULL,
			    "it agrees with those of %zu peer%s%s%s", clock.npeers,
			    clock.npeers == 1 ? "" : "s", synchronised ? "; " : "",
			    synchronised ? synchronised : "");
	else if (synchronised)
		doctor_tell(doctor, DOCTOR_CLOCK, DOCTOR_WARNING, NULL, PEER_CLOCK_CURE,
			    "%s, and no peer tells its time", synchronised);
	else
		doctor_tell(doctor, DOCTOR_CLOCK, DOCTOR_OK, NULL, NULL,
			    "the kernel says that it is synchronised");
}

void doctor_peers_end(struct doctor *doctor)
{
	peers_tell_authorities(doctor);
	peers_tell_fine(doctor);
	peers_tell_clock(doctor);
}
