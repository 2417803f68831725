/**
 * Write Switchboard plugins in C.
 *
 * A plugin is a `manifest.yaml` that says what it contributes, and one `switchboard_plugin` that binds a function to each of
 * those things. Read `sb_plugin` first.
 *
 * **Memory.** Whatever the SDK gives belongs to the running call, and is gone when it ends: there is nothing to free. Take memory
 * for the call by `sb_alloc` and `sb_format`. What outlives a call, `static` variables and what `malloc` gave, lives as long as the
 * instance, which is ended without notice.
 *
 * **Failures.** A function that can fail gives false, and the call holds why: `if (!sb_query(…)) return false;` hands it on. A
 * handler refuses by `return sb_conflict(call, "…");`. Text is UTF-8.
 */
#ifndef SWITCHBOARD_H
#define SWITCHBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "yyjson.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The running call. */
typedef struct sb_call sb_call;

/** Bytes. */
typedef struct {
  const uint8_t *data;
  size_t size;
} sb_bytes;

/** A JSON Schema, or other JSON, written as it is: `SB_JSON({"type": "integer", "minimum": 1})`. */
#define SB_JSON(...) #__VA_ARGS__

/* ---- Memory and text of the call ---- */

/** Memory for the call, all zero. */
void *sb_alloc(sb_call *call, size_t size);

/** Text for the call, as `printf` makes it. */
const char *sb_format(sb_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The document in which the call's JSON is made, for yyjson's `yyjson_mut_…` functions. */
yyjson_mut_doc *sb_json(sb_call *call);

/** JSON text as a value; fails with `invalid` when it is none. */
bool sb_parse(sb_call *call, sb_bytes text, yyjson_val **value);

/** The text of a member; null when there is none. */
const char *sb_text_at(yyjson_val *object, const char *name);

/** The whole number of a member, or another where there is none. */
int64_t sb_int_at(yyjson_val *object, const char *name, int64_t otherwise);

/* ---- Failures ---- */

/** Fails: `kind` is one of those of the contract, and the message says what failed, on what, why, and what to do. Gives false. */
bool sb_fail(sb_call *call, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** What was sent breaks a rule. */
#define sb_invalid(call, ...) sb_fail(call, "invalid", __VA_ARGS__)
/** The thing does not exist, or not for this caller. */
#define sb_not_found(call, ...) sb_fail(call, "not_found", __VA_ARGS__)
/** The caller may not do it. */
#define sb_forbidden(call, ...) sb_fail(call, "forbidden", __VA_ARGS__)
/** It does not fit what is there; from a filter, a veto. */
#define sb_conflict(call, ...) sb_fail(call, "conflict", __VA_ARGS__)
/** Not now. */
#define sb_unavailable(call, ...) sb_fail(call, "unavailable", __VA_ARGS__)
/** The plugin's own fault. The message is for operators; a caller from outside is told only that it failed. */
#define sb_broken(call, ...) sb_fail(call, "broken", __VA_ARGS__)

/** The kind of the failure that the call holds; null when it holds none. */
const char *sb_failure_kind(const sb_call *call);

/** Forgets the failure, where the handler has another way. */
void sb_forgive(sb_call *call);

/* ---- Whom the call is for ---- */

/** An organization as a plugin sees it. */
typedef struct {
  int64_t id;
  const char *slug;
  const char *name;
} sb_organization;

/** Who is behind a call: `kind` is `user`, `token`, `plugin`, `system` or `anyone`. */
typedef struct {
  const char *kind;
  const char *name;
  bool has_account;
  int64_t account;
  const char **roles;
  size_t role_count;
} sb_actor;

/** The organization of the call; fails with `invalid` in a call that is for none. */
bool sb_get_organization(sb_call *call, sb_organization *organization);
/** Who is behind the call. */
void sb_get_actor(sb_call *call, sb_actor *actor);
/** The IP address from which the request came; null where no request did. */
const char *sb_address(sb_call *call);
/** The id that joins what belongs together in logs and traces. */
const char *sb_trace(sb_call *call);
/** The milliseconds left until the call is ended. */
uint64_t sb_time_left_ms(void);
/** Whether long work should be given up: nobody waits any more, or the time is up. */
bool sb_should_stop(void);
/** Fails with `forbidden` unless the actor may do the action, such as `clip:delete`; with a thing, such as `clip:7`, to that one. */
bool sb_require(sb_call *call, const char *action, const char *thing);

/* ---- Handed out unasked ---- */

typedef enum { SB_DEBUG, SB_INFO, SB_WARN, SB_ERROR } sb_level;

/** Writes a line of the log, as `printf` makes it. */
void sb_log(sb_call *call, sb_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Microseconds since 1970-01-01T00:00:00Z. Unlike `time`, a test can set it. */
int64_t sb_now(void);
/** A moment as text: `2026-01-02T03:04:05Z`. */
const char *sb_timestamp(sb_call *call, int64_t microseconds);
/** Fills the place with random bytes, fit for secrets. */
void sb_random(void *into, size_t size);
/** The configuration for the organization of the call, all layers merged, without what the manifest asks for under `secrets`. */
bool sb_config(sb_call *call, yyjson_val **config);
/** What tells the series of a metric apart. */
typedef struct {
  const char *name;
  const char *says;
} sb_label;

/** Labels of a metric, four at most: `SB_LABELS({"preset", "standard"})`. */
#define SB_LABELS(...) (const sb_label[]){__VA_ARGS__}, sizeof((const sb_label[]){__VA_ARGS__}) / sizeof(sb_label)
/** No labels. */
#define SB_NO_LABELS NULL, 0

/**
 * So many more of a counter, which only grows; the server shows what plugins measure at `/metrics`. Nothing fails: what breaks a rule,
 * and what is beyond the 200 series that a plugin may have, is left out, counted, and said once in the log. A name is of `a-z`, `0-9` and
 * `_`, a letter first, and ends in none of `_total`, `_bucket`, `_sum` and `_count`. Names and what labels say have 64 characters at most.
 */
void sb_count(const char *name, uint64_t more, const sb_label *labels, size_t count);
/** What a gauge is now. */
void sb_set_gauge(const char *name, double now, const sb_label *labels, size_t count);
/** One value of a histogram, such as how many seconds something took; its buckets end at 1 and 5 of each power of ten, 0.001 to 1,000. */
void sb_observe(const char *name, double value, const sb_label *labels, size_t count);
/** Fails with `invalid`, with every fault by field, unless the value fits the schema; `place` begins each fault's place. */
bool sb_check(sb_call *call, const char *schema, yyjson_val *value, const char *place);
/** Passes a value through every plugin that takes part in a filter point of this one, and gives what comes out. */
bool sb_apply(sb_call *call, const char *point, yyjson_val *payload, yyjson_val **result);
/** Writes a line to the audit log: whoever is behind the call did this to that. Null for nothing before or after. */
bool sb_audit(sb_call *call, const char *action, const char *subject, yyjson_mut_val *before, yyjson_mut_val *after);

/* ---- db ---- */

typedef enum { SB_NULL, SB_BOOLEAN, SB_INTEGER, SB_REAL, SB_TEXT, SB_BYTES } sb_value_kind;

/** A cell, or a parameter of a statement. */
typedef struct {
  sb_value_kind kind;
  union {
    bool boolean;
    int64_t integer;
    double real;
    /** Of `SB_TEXT` and `SB_BYTES`; a text given by the SDK has a zero behind it. */
    sb_bytes bytes;
  };
} sb_value;

sb_value sb_null(void);
sb_value sb_boolean(bool value);
sb_value sb_integer(int64_t value);
sb_value sb_real(double value);
/** Text; `null` of a null pointer. */
sb_value sb_text(const char *value);
sb_value sb_binary(const void *data, size_t size);

/** Parameters of a statement, `$1`, `$2`, …: `SB_PARAMS(sb_integer(7), sb_text("Ada"))`. */
#define SB_PARAMS(...) (const sb_value[]){__VA_ARGS__}, sizeof((const sb_value[]){__VA_ARGS__}) / sizeof(sb_value)
/** No parameters. */
#define SB_NO_PARAMS NULL, 0

/** What a query gives. */
typedef struct {
  const char **columns;
  size_t column_count;
  size_t count;
  /** Row by row. */
  const sb_value *cells;
} sb_rows;

/** The rows of a statement; within a transaction, where one was begun. */
bool sb_query(sb_call *call, const char *sql, const sb_value *params, size_t count, sb_rows *rows);
/** Runs a statement, likewise, and gives the number of rows changed; `changed` may be null. */
bool sb_execute(sb_call *call, const char *sql, const sb_value *params, size_t count, uint64_t *changed);
/** A row as a JSON object by column. Bytes become null. */
yyjson_mut_val *sb_row(sb_call *call, const sb_rows *rows, size_t position);
/** Begins a transaction: what statements do takes effect by `sb_commit`, together. One that was not is undone when the call ends. */
bool sb_begin(sb_call *call);
/** Says that something happened, if and when the transaction commits. Asks for `events`. */
bool sb_emit_on_commit(sb_call *call, const char *name, const char *subject, yyjson_mut_val *data);
/** Makes the transaction last. */
bool sb_commit(sb_call *call);
/** Undoes the transaction now. */
void sb_rollback(sb_call *call);
/** `sqlite` or `postgres`. */
bool sb_engine(sb_call *call, const char **engine);

/* ---- kv ---- */

/** A small value. */
typedef struct {
  sb_bytes value;
  /** Changes with every write, and is never the same again. */
  uint64_t version;
} sb_kv_entry;

/** Set it whatever is there. */
#define SB_ANY_VERSION UINT64_MAX

/** The value under a key; `found` says whether there is one. */
bool sb_kv_get(sb_call *call, const char *key, bool *found, sb_kv_entry *entry);
/** Sets the value, gone after so many microseconds (0: it stays), where that version is there (0: nothing is). `done` may be null. */
bool sb_kv_set(sb_call *call, const char *key, sb_bytes value, uint64_t expires_in_us, uint64_t only_if_version, bool *done);
/** Removes the value under a key. `found` may be null. */
bool sb_kv_delete(sb_call *call, const char *key, bool *found);
/** The keys that begin so, in order, behind the one given (null: from the first). */
bool sb_kv_list(sb_call *call, const char *prefix, const char *after, uint32_t limit, const char ***keys, size_t *count);

/* ---- blobs ---- */

/** What is known of a blob. */
typedef struct {
  uint64_t size;
  const char *etag;
  int64_t modified;
} sb_blob_info;

/** Bytes that the host holds. */
typedef struct {
  bool there;
  int32_t handle;
} sb_body;

/** Stores the bytes under the key, in place of what was there. `info` may be null. */
bool sb_blob_put(sb_call *call, const char *key, sb_bytes content, sb_blob_info *info);
/** What is known of a blob; `owner` is the plugin whose it is, null for this one. */
bool sb_blob_find(sb_call *call, const char *owner, const char *key, bool *found, sb_blob_info *info);
/** The blob's bytes from `start` up to `end` (0 and UINT64_MAX: all), to be read, or sent as an answer's `rest`. */
bool sb_blob_get(sb_call *call, const char *owner, const char *key, uint64_t start, uint64_t end, bool *found, sb_body *body);
/** Removes a blob; it is no error when there is none. */
bool sb_blob_delete(sb_call *call, const char *key);
/** The next bytes of a body, at most so many; none at the end. */
bool sb_read(sb_call *call, sb_body body, uint32_t most, sb_bytes *piece);

/* ---- events, services, schedule, secrets, http, mail ---- */

/** Says that something happened, apart from any change. */
bool sb_emit(sb_call *call, const char *name, const char *subject, yyjson_mut_val *data);
/** Calls a service of a plugin that the manifest requires. Null for no payload. */
bool sb_call_service(sb_call *call, const char *service, yyjson_mut_val *payload, yyjson_val **result);
/** Has one of the plugin's tasks done soon, at least once. Null for no payload. */
bool sb_schedule(sb_call *call, const char *task, yyjson_mut_val *payload);
/** Says how far the running task is, from 0 to 1, and what it is doing. */
void sb_progress(double share, const char *message);
/** Keeps what came of the running task, for whoever looks at its runs: at most 64 KiB of JSON. The last one stays. */
bool sb_output(sb_call *call, yyjson_mut_val *value);
/**
 * Keeps a plan for the organization of this call, in place of the plugin's plan of that name. A plan is an object: `task`, one of `cron`,
 * `every_seconds` and `at` (a moment as `2026-05-01T12:00:00Z`), and where wanted `payload`, `time_zone`, `jitter_seconds`, `if_running` and
 * `catch_up`.
 */
bool sb_set_plan(sb_call *call, const char *name, yyjson_mut_val *plan);
/** Gives up a plan; `removed` is false when there was none, and may be null. */
bool sb_remove_plan(sb_call *call, const char *name, bool *removed);
/** The plugin's plans for the organization of this call: a list of objects with `name`, `plan`, `paused`, `next_at` and `last_at`. */
bool sb_list_plans(sb_call *call, yyjson_val **plans);

/**
 * The secret of that name, such as `api_key` or `mail.password`, for the organization of the call; null when it is not set. Fails with
 * `forbidden` when the manifest does not name it where it asks for `secrets`. It is for where it is needed, and not to be printed.
 */
bool sb_secret(sb_call *call, const char *name, const char **secret);

/** A header of a request or an answer; its name in lower case. */
typedef struct {
  const char *name;
  const char *value;
} sb_header;

/** What another server answered, whatever its status. */
typedef struct {
  uint16_t status;
  const sb_header *headers;
  size_t header_count;
  sb_bytes body;
} sb_http_response;

/** Sends a request to a server that the manifest names. */
bool sb_http_send(sb_call *call, const char *method, const char *url, const sb_header *headers, size_t header_count,
                  sb_bytes body, sb_http_response *response);
/** Sends a message to somebody; `html` may be null. */
bool sb_mail_send(sb_call *call, const char *to, const char *subject, const char *text, const char *html);

/* ---- The plugin ---- */

/** A request to a route. The host checked what the route describes. */
typedef struct {
  /** The path's parameters, as an object. */
  yyjson_val *path;
  /** The query's parameters that the route describes, as an object. */
  yyjson_val *query;
  /** The JSON body of a route that describes one, else null. */
  yyjson_val *body;
  /** The bytes that came with the head, of a route that describes no body. */
  sb_bytes content;
  /** The bytes that are still to come. */
  sb_body rest;
  const sb_header *headers;
  size_t header_count;
  /** Whether only the head of the answer is wanted. */
  bool head_only;
} sb_request;

/** An answer. It begins as one of 204, empty. */
typedef struct {
  uint16_t status;
  const sb_header *headers;
  size_t header_count;
  sb_bytes content;
  /** Bytes that come behind, such as a blob's. */
  sb_body rest;
} sb_answer;

/** Answers with JSON. Gives true. */
bool sb_answer_json(sb_call *call, sb_answer *answer, uint16_t status, yyjson_mut_val *value);

/** An event. It comes at least once: the same `source` and `id` mean the same event. */
typedef struct {
  const char *id;
  const char *source;
  const char *name;
  const char *subject;
  int64_t time;
  bool has_organization;
  int64_t organization;
  const char *actor;
  const char *trace;
  yyjson_val *data;
  /** 1 the first time, 2 when delivered again. */
  uint32_t attempt;
} sb_event;

/** Notes that an event is handled in the open transaction: `first` is false when it was already, so that there is nothing to do. */
bool sb_first_time(sb_call *call, const sb_event *event, bool *first);

/** A run of a task. */
typedef struct {
  const char *name;
  const char *run;
  /** What it was asked for with; JSON's `null` when it runs by its schedule. */
  yyjson_val *payload;
  uint32_t attempt;
} sb_task_run;

/** A route: what it takes and gives as JSON Schemas, by which the host checks requests, and the function that answers it. */
typedef struct {
  /** Method and path as the manifest writes them: `GET /clips/{id}`. */
  const char *key;
  /** A unique word for clients. */
  const char *id;
  /** What it does, in a few words. */
  const char *summary;
  /** An object with a schema for each of the path's parameters; texts, when null. */
  const char *path;
  /** An object with a schema for each of the query's parameters, which may be missing. */
  const char *query;
  /** The schema of a JSON body; null for none, or for bytes. */
  const char *body;
  /** The status of the answer; 200 when 0. */
  uint16_t status;
  /** The schema of the JSON that it gives; null for none. */
  const char *gives;
  bool (*handle)(sb_call *call, const sb_request *request, sb_answer *answer);
} sb_route;

/** Takes part in a filter point: `*changed` is what comes out; left as null, the payload as it is. */
typedef struct {
  const char *point;
  bool (*apply)(sb_call *call, yyjson_val *payload, yyjson_mut_val **changed);
} sb_filter;

/** Listens to events, by the pattern that the manifest declares. */
typedef struct {
  const char *pattern;
  bool (*hear)(sb_call *call, const sb_event *event);
} sb_listener;

/** Does a task. */
typedef struct {
  const char *name;
  bool (*run)(sb_call *call, const sb_task_run *run);
} sb_task;

/** Offers a function to plugins that require this one. */
typedef struct {
  const char *name;
  const char *takes;
  const char *gives;
  bool (*answer)(sb_call *call, yyjson_val *payload, yyjson_mut_val **result);
} sb_service;

/** A command that somebody gave. */
typedef struct {
  const char *name;
  /** The arguments that were given, by name: they fit what the manifest declares. */
  yyjson_val *arguments;
  /** Where it was given: its `kind` is `api`, or the chat's word for itself, which then says more of the place. */
  yyjson_val *origin;
} sb_given;

/** What is said to whoever gave a command. */
typedef struct {
  /** In Markdown. */
  const char *text;
  /** Whether it is for nobody but whoever gave the command. */
  bool ephemeral;
} sb_said;

/** Answers a command; `invalid` says what is wrong, by argument. */
typedef struct {
  const char *name;
  bool (*answer)(sb_call *call, const sb_given *given, sb_said *said);
} sb_command;

/** Runs at a step of the plugin's life, such as `on_enable`; `details` are the contract's. */
typedef struct {
  const char *name;
  bool (*run)(sb_call *call, yyjson_val *details);
} sb_hook;

/**
 * A function for each thing that the manifest declares; each list ends with an empty entry, and may be null. What is declared and
 * what is bound must agree: the host refuses a plugin in which either lacks the other, and names both.
 */
typedef struct {
  const sb_route *routes;
  const sb_filter *filters;
  const sb_listener *listeners;
  const sb_task *tasks;
  const sb_service *services;
  const sb_hook *hooks;
  const sb_command *commands;
} sb_plugin;

/** The plugin; its author defines it. */
extern const sb_plugin switchboard_plugin;

#ifdef __cplusplus
}
#endif

#endif
