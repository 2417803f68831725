//! `log`: a line is one line, and says whose it is.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
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

#[tokio::test]
async fn a_line_cannot_be_forged() {
    let (lines, writer) = (Lines::default(), Lines::default());
    let shared = lines.0.clone();
    let writer = move || {
        let _ = &writer;
        Lines(shared.clone())
    };
    let subscriber = tracing_subscriber::fmt().json().with_writer(writer).finish();
    let _capturing = tracing::subscriber::set_default(subscriber);
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
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let said: Vec<&str> = written.lines().filter(|line| line.contains("fine")).collect();
    assert_eq!(said.len(), 1, "{written}");
    let line: Value = serde_json::from_str(said[0]).unwrap();
    let fields = &line["fields"];
    assert_eq!(fields["message"], "fine\\n{\"level\":\"ERROR\"}\\r\\u{1b}[2J\\u{2028}\\u{202e}");
    assert_eq!((&fields["plugin"], &fields["organization"]), (&json!("talker"), &json!("default")));
    assert_eq!(line["level"], "WARN");
}
