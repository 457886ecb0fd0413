/*
 * Load, pagers of kind email: mailboxes, the login, TLS. No server is asked.
 */
#include "load-internal.h"

#include "tracepager/mailbox.h"
#include "tracepager/url.h"

static void check_mailboxes(const struct load_scope *scope, const char *name, const char *list,
			    int most)
{
	const int n = list ? mailbox_count(list) : 1;
	const struct ynode *node = member_value(scope, name);

	if (n < 1)
		LOAD_ERROR(scope, node, "E058",
			   "write ann@example.com, or Ann Doe <ann@example.com>",
			   "\"%s\" of %s is no mailbox%s: \"%.100s\"", name, scope->what,
			   most > 1 ? ", and no list of some" : "", list);
	else if (n > most)
		LOAD_ERROR(scope, node, "E058", "write to a mailing list instead",
			   "\"%s\" of %s has %d mailboxes; there may be %d", name, scope->what, n,
			   most);
}

static void check_mail_tls(const struct load_scope *scope, const struct pager *pager)
{
	static const char *const words[] = { "required", "opportunistic", "none" };
	const struct ynode *node = member_value(scope, "tls");
	size_t found = pager->texts[PAGER_TLS] ? node_word(scope, node, "tls", words, 3) : 0;

	if (found == 0 || found == SIZE_MAX || !pager->url || !pager->texts[PAGER_USER] ||
	    strncmp(pager->url, "smtps:", 6) == 0 || url_is_local(pager->url))
		return;
	LOAD_WARNING(scope, node, "W038",
		     "leave it out: TLS is required then; ca_file trusts an authority of your own",
		     "%s may send its password unencrypted", scope->what);
}

void load_check_mail_to(const struct load_scope *scope, const char *list)
{
	check_mailboxes(scope, "to", list, LIMIT_MAIL_RECIPIENTS);
}

void load_check_mail(const struct load_scope *scope, struct pager *pager)
{
	const struct ynode *key = member_key(scope, "password"),
			   *key_file = member_key(scope, "password_file"),
			   *user = member_key(scope, "user");

	check_mailboxes(scope, "from", pager->texts[PAGER_FROM], 1);
	load_check_mail_to(scope, pager->texts[PAGER_TO]);
	/* Without a user it does not log in, whatever password the team has for other kinds. */
	pager->key_by_team &= user != NULL;
	if (user && !key && !key_file && !pager->key_by_team)
		LOAD_ERROR(scope, user, "E013", "add \"password_file: PATH\"",
			   "%s has a user and no password", scope->what);
	if (!user && (key || key_file))
		LOAD_ERROR(scope, key ? key : key_file, "E013", "add \"user: NAME\"",
			   "%s has a password and no user", scope->what);
	check_mail_tls(scope, pager);
}
