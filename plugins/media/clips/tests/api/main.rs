//! The clips of organizations, asked for as clients ask: through the kernel's routes, on real SQLite and real files.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod clip;
mod events;
mod filters;
mod isolation;
mod listing;
mod media;
mod neighbour;
mod search;
mod services;
mod stray;
mod upload;

use std::{path::Path, sync::Arc};

use serde_json::{Value as Json, json};
use switchboard_sdk::{Failure, Plugin};
use switchboard_testkit::{Answer, Stage};

const CLIPS: &str = "/api/v1/clips/";

fn clips() -> Arc<dyn Plugin> {
    clips::plugin().build().unwrap_or_else(|faults| panic!("{faults}"))
}

/// The plugin alone.
async fn library() -> Stage {
    Stage::with([clips()]).await
}

/// Creates a clip of this title with these other fields, and gives it as it was answered.
async fn create(stage: &Stage, title: &str, fields: Json) -> Json {
    let mut body = json!({"title": title, "file_path": format!("/clips/{title}.mp4")});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    stage.ask("POST", CLIPS).json(&body).send().await.json(201)
}

async fn get(stage: &Stage, address: &str) -> Json {
    stage.ask("GET", address).send().await.json(200)
}

fn at(id: impl std::fmt::Display) -> String {
    format!("/api/v1/clips/{id}")
}

fn media_of(id: impl std::fmt::Display) -> String {
    format!("/api/v1/clips/{id}/media")
}

/// The titles of a list.
fn titles(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|clip| clip["title"].as_str().unwrap()).collect()
}

/// What broke which rule where, as `body.title missing`, in order of the places.
#[track_caller]
fn faults(answer: &Answer) -> Vec<String> {
    let Failure::Invalid { faults, .. } = answer.failure() else { panic!("{answer:?}") };
    let mut faults: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.place(), fault.kind)).collect();
    faults.sort();
    faults
}

#[track_caller]
fn expect_not_found(answer: &Answer, message: &str) {
    assert_eq!(*answer.failure(), Failure::not_found(message));
}

/// A form with fields, and files by name: its media type and its bytes.
fn form(fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    for (name, text) in fields {
        let head = format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    for (name, bytes) in files {
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/html\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    ("multipart/form-data; boundary=frontier", body)
}

async fn upload(stage: &Stage, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
    let (content_type, body) = form(fields, files);
    stage.ask("POST", "/api/v1/clips/upload").header("content-type", content_type).body(body).send().await
}

/// A second of sound for every 16000 bytes: 16 bits, one channel, 8000 times a second.
fn wav(seconds: u32) -> Vec<u8> {
    let bytes = seconds * 16_000;
    let mut file = Vec::new();
    for part in [
        &b"RIFF"[..],
        &(36 + bytes).to_le_bytes(),
        b"WAVEfmt ",
        &16_u32.to_le_bytes(),
        &[1, 0, 1, 0],
        &8000_u32.to_le_bytes(),
        &16_000_u32.to_le_bytes(),
        &[2, 0, 16, 0],
        b"data",
        &bytes.to_le_bytes(),
    ] {
        file.extend_from_slice(part);
    }
    file.extend((0..bytes).map(|byte| (byte % 251) as u8));
    file
}

/// How many files of media there are on the disk, those half written among them.
fn stored_files(stage: &Stage) -> usize {
    fn count(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&stage.folder().join("blobs"))
}

/// Waits until so many files are left: what is half written is removed apart from the call.
async fn expect_stored_files(stage: &Stage, expected: usize) {
    for _ in 0..500 {
        if stored_files(stage) == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(stored_files(stage), expected);
}
