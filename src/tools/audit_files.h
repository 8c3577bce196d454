/* Exported audit logs: fetched from a node, checked, and written in the forms that other systems read. */
#ifndef CHSM_TOOLS_AUDIT_FILES_H
#define CHSM_TOOLS_AUDIT_FILES_H

#include "audit/export.h"
#include "client/chsm.h"
#include "tools/shell.h"

#include <stdio.h>

/* ---- audit_fetch.c ---- */
/* Whose signature a log must have, and the check itself. */
struct audit_reading {
        struct crypto *crypto;
        void *key; /* EVP_PKEY */
        struct audit_check *check;
};
/* From a PEM file with a certificate or a public key; or, path NULL, from the node's certificate. */
uint32_t audit_reading_open(struct shell *, struct audit_reading *, const char *path, struct chsm *);
void audit_reading_close(struct audit_reading *);
/* Fetches the node's whole export, checks it, and writes it to out when that is not NULL. */
uint32_t audit_fetch(struct shell *, struct audit_reading *, struct chsm *, FILE *out);
/* Checks an exported file. */
uint32_t audit_read_file(struct shell *, struct audit_reading *, const char *path);
/* The signature over the head of a node's log of key use. */
uint32_t audit_head_signed(struct shell *, struct audit_reading *, struct slice partition_id,
                           const Chsm__AuditHead *);
/* Says what was found, and sets the fields of JSON mode. `of`: "server 0(host)", or a file. */
void audit_report_say(struct shell *, const struct audit_reading *, const char *of);

/* ---- audit_format.c ---- */
struct audit_format {
        const char *name;   /* "cef" */
        const char *suffix; /* of the file; NULL: the export itself */
        bool (*put)(const json_t *record, struct buf *line);
        const char *help;
};
/* NULL: there is none of that name. */
const struct audit_format *audit_format_find(const char *name);
/* Writes the records of an export in that form. */
uint32_t audit_format_file(struct shell *, const struct audit_format *, const char *from, const char *to);

#endif
