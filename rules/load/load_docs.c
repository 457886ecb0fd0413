/*
 * Load, documents: added one by one, at most LIMIT_RULES_BYTES in all. In the end their hash,
 * their names and their texts without secrets go into the set, for the record.
 */
#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "load-internal.h"

void load_keep_doc(struct load *load, struct ydoc doc, int result)
{
	load->partial |= doc.cut;
	if (result < 0 && result != -EINVAL && !load->error)
		load->error = result;
	load->bytes += doc.len;
	if (load->bytes > LIMIT_RULES_BYTES) {
		findings_add(load->findings, FINDING_ERROR, "E009", doc.file,
			     "leave out rules that a catalogue or a glob could say",
			     "with this file the rules are larger than %u bytes",
			     LIMIT_RULES_BYTES);
		load->partial = true;
		return;
	}
	if ((load->ndocs & (load->ndocs - 1)) == 0)
		load->docs = xrealloc_array(load->docs, load->ndocs ? load->ndocs * 2 : 1,
					    sizeof(*load->docs));
	load->docs[load->ndocs++] = doc;
}

/* Hashes the name (without its directory), the length and the text of each document. The length
 * keeps a text from being moved from one file to the next unseen. */
static void hash_docs(const struct load *load, char hex[65])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; i < load->ndocs; i++) {
		const struct ydoc *doc = &load->docs[i];
		const char *slash = strrchr(doc->file, '/'), *name = slash ? slash + 1 : doc->file;
		char size[32]; /* the length as text: the same on every machine */
		snprintf(size, sizeof(size), "%zu", doc->len);
		EVP_DigestUpdate(context, name, strlen(name) + 1);
		EVP_DigestUpdate(context, size, strlen(size) + 1);
		EVP_DigestUpdate(context, doc->text, doc->len);
	}
	EVP_DigestFinal_ex(context, digest, &len);
	EVP_MD_CTX_free(context);
	for (unsigned int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned int)digest[i]);
}

static void keep_texts(const struct load *load)
{
	struct ruleset *set = load->set;

	set->ntexts = load->ndocs;
	set->texts = arena_array(set->arena, load->ndocs, sizeof(*set->texts));
	for (size_t i = 0; i < load->ndocs; i++) {
		const struct ydoc *doc = &load->docs[i];
		const char *slash = strrchr(doc->file, '/');
		char *text = arena_strndup(set->arena, doc->text, doc->len);
		ydoc_hide_secrets(text, 'x');
		set->texts[i] = (struct rule_text){
			.name = arena_strdup(set->arena, slash ? slash + 1 : doc->file),
			.text = text,
			.len = strlen(text),
		};
	}
}

static void keep_files(const struct load *load)
{
	struct ruleset *set = load->set;

	set->files = arena_array(set->arena, load->ndocs, sizeof(*set->files));
	for (size_t i = 0; i < load->ndocs; i++)
		set->files[set->nfiles++] = arena_strdup(set->arena, load->docs[i].file);
}

void load_record_docs(const struct load *load)
{
	hash_docs(load, load->set->hash);
	keep_texts(load);
	keep_files(load);
}
