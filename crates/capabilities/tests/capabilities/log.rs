//! `log`: a line is one line, and says whose it is.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use switchboard_kernel::By;
use switchboard_sdk::prelude::*;
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on, lines of this thread are written here as JSON, until the guard is dropped.
fn captured() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn a_secret_of_the_configuration_is_not_in_a_line_whatever_the_plugin_writes() {
    let (lines, _capturing) = captured();
    let schema = "config_schema: {type: object, properties: {key: {type: string, secret: true}}}";
    let more = format!("provides: {{services: [{{name: talker.say}}]}}\n{schema}");
    let talker = plugin("talker", &more).service("talker.say", async |ctx: Context, (): ()| {
        let config: Value = ctx.config()?;
        ctx.log().warn(&format!("the key is {}", config["key"]));
        Ok(())
    });
    let stage = Stage::with([built(talker)]).await;
    let config = json!({"key": "hush \"hush\""}).as_object().cloned().unwrap();
    stage.kernel().configure(&By::system("test"), "talker", None, config).await.unwrap();
    stage.service("talker.say", &json!(null)).await.unwrap();
    let written = lines.text();
    assert!(written.contains("the key is \\\"•••\\\"") && !written.contains("hush"), "{written}");
}

#[tokio::test]
async fn a_line_cannot_be_forged() {
    let (lines, _capturing) = captured();
    let talker = plugin("talker", "provides: {services: [{name: talker.say}]}").service(
        "talker.say",
        async |ctx: Context, text: String| {
            ctx.log().warn(&text);
            Ok(())
        },
    );
    let stage = Stage::with([built(talker)]).await;
    let forged = "fine\n{\"level\":\"ERROR\"}\r\u{1b}[2J\u{2028}\u{202e}";
    stage.service("talker.say", &json!(forged)).await.unwrap();
    let written = lines.text();
    let said: Vec<&str> = written.lines().filter(|line| line.contains("fine")).collect();
    assert_eq!(said.len(), 1, "{written}");
    let line: Value = serde_json::from_str(said[0]).unwrap();
    let fields = &line["fields"];
    assert_eq!(fields["message"], "fine\\n{\"level\":\"ERROR\"}\\r\\u{1b}[2J\\u{2028}\\u{202e}");
    assert_eq!((&fields["plugin"], &fields["organization"]), (&json!("talker"), &json!("default")));
    assert_eq!(line["level"], "WARN");
}
