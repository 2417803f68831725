/** Numbers of the plugin's own. */
#include "bridge.h"

static plugin_list_tuple2_string_string_t sent_labels(const sb_label *labels, size_t count) {
  plugin_tuple2_string_string_t *pairs = sb_take(count * sizeof *pairs);
  for (size_t at = 0; at < count; at++) {
    pairs[at] = (plugin_tuple2_string_string_t){sb_sent(labels[at].name), sb_sent(labels[at].says)};
  }
  return (plugin_list_tuple2_string_string_t){pairs, count};
}

void sb_count(const char *name, uint64_t more, const sb_label *labels, size_t count) {
  plugin_string_t metric = sb_sent(name);
  plugin_list_tuple2_string_string_t pairs = sent_labels(labels, count);
  switchboard_plugin_metrics_count(&metric, more, &pairs);
}

void sb_set_gauge(const char *name, double now, const sb_label *labels, size_t count) {
  plugin_string_t metric = sb_sent(name);
  plugin_list_tuple2_string_string_t pairs = sent_labels(labels, count);
  switchboard_plugin_metrics_set(&metric, now, &pairs);
}

void sb_observe(const char *name, double value, const sb_label *labels, size_t count) {
  plugin_string_t metric = sb_sent(name);
  plugin_list_tuple2_string_string_t pairs = sent_labels(labels, count);
  switchboard_plugin_metrics_observe(&metric, value, &pairs);
}
