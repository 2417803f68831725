/** What the files of the SDK share: the generated bindings, and the call. Plugins include `switchboard.h` alone. */
#ifndef SWITCHBOARD_BRIDGE_H
#define SWITCHBOARD_BRIDGE_H

#include "plugin.h"
#include "switchboard.h"

struct sb_call {
  switchboard_plugin_call_info_t info;
  yyjson_mut_doc *json;
  bool failed;
  switchboard_plugin_types_failure_t failure;
  /** Undoes the transaction that is open; null when none is. A pointer, so that a plugin without `db` does not import it. */
  void (*undo)(sb_call *call);
  int32_t transaction;
};

/** Memory until the call ends. */
void *sb_take(size_t size);
/** Gives back all that was taken. */
void sb_give_back(void);
/** yyjson's memory, taken from the call's. */
extern const yyjson_alc sb_memory;

/** A text of the host's with a zero behind it. */
const char *sb_received(plugin_string_t text);
/** A text for the host; it is not copied. */
plugin_string_t sb_sent(const char *text);
plugin_list_u8_t sb_sent_bytes(sb_bytes bytes);
/** JSON for the host; `null` of a null pointer. */
plugin_string_t sb_sent_json(sb_call *call, yyjson_mut_val *value);
/** JSON of the host's. */
bool sb_received_json(sb_call *call, plugin_string_t text, yyjson_val **value);
/** Holds what the host refused. Gives false. */
bool sb_refused(sb_call *call, switchboard_plugin_types_failure_t failure);
/** An event that is about to be said. */
switchboard_plugin_types_new_event_t sb_new_event(sb_call *call, const char *name, const char *subject, yyjson_mut_val *data);
/** What is bound, as JSON text that `malloc` gave. */
char *sb_describe(size_t *size);

#endif
