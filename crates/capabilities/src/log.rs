//! `log`: lines in the server's log.

use switchboard_api::{
    Context,
    capability::{Level, Log},
};

use crate::kernel_ref::KernelRef;

/// The server's own log, each line marked with the plugin, the organization and the trace. What is secret in the plugin's
/// configuration is not in it, whatever the plugin writes.
pub(crate) struct ServerLog {
    pub(crate) kernel: KernelRef,
}

/// A line is cut after this many characters.
const LONGEST: usize = 4_000;

impl Log for ServerLog {
    fn write(&self, context: &Context, level: Level, message: &str) {
        let plugin = context.plugin.as_str();
        let kernel = self.kernel.get().ok();
        let redacted = kernel
            .as_deref()
            .and_then(|kernel| kernel.without_secrets(&context.plugin, context.organization_id(), message));
        let organization = context.organization.as_deref().map(|organization| organization.slug.as_str());
        let trace = &*context.trace;
        let message = harmless(redacted.as_deref().unwrap_or(message));
        if let Some(kernel) = kernel {
            kernel.note_plugin_line(context, level, &message);
        }
        match level {
            Level::Debug => tracing::debug!(plugin, organization, trace, "{message}"),
            Level::Info => tracing::info!(plugin, organization, trace, "{message}"),
            Level::Warn => tracing::warn!(plugin, organization, trace, "{message}"),
            Level::Error => tracing::error!(plugin, organization, trace, "{message}"),
        }
    }
}

/// The message on one line, without what steers a terminal or turns the order of what is read.
fn harmless(message: &str) -> String {
    let misleads = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let escaped = message.chars().take(LONGEST).flat_map(|letter| {
        let escape = misleads(letter).then(|| letter.escape_default());
        let plain = escape.is_none().then_some(letter);
        escape.into_iter().flatten().chain(plain)
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(super::harmless("a\nb\u{1b}[31mc"), "a\\nb\\u{1b}[31mc");
        assert_eq!(super::harmless("a\u{2028}b\u{85}c\u{202e}d"), "a\\u{2028}b\\u{85}c\\u{202e}d");
        assert_eq!(super::harmless("größer, 大きい"), "größer, 大きい");
        assert_eq!(super::harmless(&"x".repeat(9_000)).len(), super::LONGEST);
    }
}
