//! The detector beside the clips plugin, on a real kernel: what becomes of a clip's metadata.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot read its files has failed"
)]

use std::{path::PathBuf, sync::Arc};
use switchboard_testkit::kernel::By;

use serde_json::{Value, json};
use switchboard_sdk::Definition;
use switchboard_testkit::{Answer, Stage};
use tokio::sync::{Notify, mpsc};

const CLIPS: &str = "/api/v1/clips";

async fn stage() -> Stage {
    stage_with([]).await
}

/// Both plugins, and others.
async fn stage_with(others: impl IntoIterator<Item = Definition>) -> Stage {
    let plugins = [clips::plugin(), highlight_detector::plugin()].into_iter().chain(others);
    Stage::with(plugins.map(|plugin| plugin.build().unwrap_or_else(|faults| panic!("{faults}")))).await
}

fn media(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/media").join(name)).unwrap()
}

/// Uploads a file as the clients do, for an organization.
async fn upload_for(stage: &Stage, organization: &str, name: &str, bytes: &[u8]) -> Answer {
    let head = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, b"\r\n--edge--\r\n"].concat();
    let ask = stage.ask("POST", &format!("{CLIPS}/upload")).organization(organization);
    ask.header("content-type", "multipart/form-data; boundary=edge").body(body).send().await
}

async fn upload(stage: &Stage, name: &str, bytes: &[u8]) -> Value {
    upload_for(stage, "default", name, bytes).await.json(201)
}

async fn clip(stage: &Stage, id: &Value) -> Value {
    stage.ask("GET", &format!("{CLIPS}/{id}")).send().await.json(200)
}

/// A WAV file of so many minutes: a quiet tone, and a loud one from `loud` for six seconds.
fn long_recording(minutes: u32, loud: u32) -> Vec<u8> {
    const RATE: u32 = 8000;
    let frames = minutes * 60 * RATE;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + frames * 2).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend((frames * 2).to_le_bytes());
    for frame in 0..frames {
        let amplitude = if (loud..loud + 6).contains(&(frame / RATE)) { 16_000.0 } else { 500.0 };
        let phase = (frame % RATE) as f32 / RATE as f32 * 440.0 * std::f32::consts::TAU;
        file.extend(((phase.sin() * amplitude) as i16).to_le_bytes());
    }
    file
}

#[tokio::test]
async fn an_uploaded_clip_is_answered_with_its_highlights() {
    let stage = stage().await;
    let clip = upload(&stage, "three-highlights.mp4", &media("three-highlights.mp4")).await;
    let metadata = &clip["metadata"];
    assert_eq!(metadata["highlight_count"], 3, "{clip:#}");
    assert_eq!(metadata["analyzed_by"], "highlight_detector");
    let highlights = metadata["highlights"].as_array().unwrap();
    for (highlight, start) in highlights.iter().zip([12.0, 31.5, 50.25]) {
        assert!((highlight["timestamp"].as_f64().unwrap() - start).abs() <= 0.5, "{highlight}");
    }
    let kinds: Vec<_> = highlights.iter().map(|highlight| &highlight["type"]).collect();
    assert_eq!(kinds, ["loudness", "transient", "loudness"]);
    assert_eq!(self::clip(&stage, &clip["id"]).await["metadata"], *metadata, "it is kept");
}

#[tokio::test]
async fn files_without_anything_to_hear_say_why_and_have_no_highlights() {
    let stage = stage().await;
    for (name, reason) in [
        ("silent.mp4", "the file has no audio track"),
        ("broken.mp4", "the file is broken: it was cut off before its index was written"),
        ("opus.mkv", "the audio is of a codec that is not decoded here (Opus)"),
    ] {
        let clip = upload(&stage, name, &media(name)).await;
        let metadata = &clip["metadata"];
        assert_eq!(metadata["highlight_count"], 0, "{name}: {clip:#}");
        assert_eq!(metadata["highlights"], json!([]), "{name}");
        assert_eq!(metadata["analysis"]["status"], "skipped", "{name}");
        let said = metadata["analysis"]["reason"].as_str().unwrap();
        assert!(said.starts_with(reason), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_clip_without_a_file_has_no_highlights_until_it_gets_one() {
    let stage = stage().await;
    let new = json!({
        "title": "Ace", "file_path": "elsewhere/ace.mp4", "clip_metadata": { "player": "Ada" },
    });
    let clip: Value = stage.ask("POST", CLIPS).json(&new).send().await.json(201);
    assert_eq!(
        clip["metadata"],
        json!({
            "player": "Ada",
            "highlights": [],
            "highlight_count": 0,
            "analysis": { "status": "skipped", "reason": "the clip has no file" },
        })
    );

    let address = format!("{CLIPS}/{}/media", clip["id"]);
    let clip: Value = stage.ask("PUT", &address).body(media("passage.flac")).send().await.json(200);
    assert_eq!(clip["metadata"]["highlight_count"], 1, "{clip:#}");
    assert_eq!(clip["metadata"]["player"], "Ada");
    assert_eq!(clip["metadata"]["analysis"], Value::Null, "that there was no file holds no more");
}

#[tokio::test]
async fn the_detection_is_complete_when_the_clip_was_processed() {
    let stage = stage().await;
    let clip = upload(&stage, "passage.flac", &media("passage.flac")).await;
    assert_eq!(clip["metadata"]["highlight_detection_complete"], Value::Null);
    let address = format!("{CLIPS}/{}", clip["id"]);
    let clip: Value = stage.ask("PATCH", &address).json(&json!({ "processed": true })).send().await.json(200);
    assert_eq!(clip["metadata"]["highlight_detection_complete"], true, "{clip:#}");
    assert_eq!(clip["metadata"]["highlight_count"], 1, "and its highlights stay");
}

#[tokio::test]
async fn a_long_clip_is_answered_at_once_and_heard_in_the_background() {
    let stage = stage().await;
    let clip = upload(&stage, "evening.wav", &long_recording(11, 400)).await;
    assert_eq!(clip["metadata"]["analysis"]["status"], "queued", "{clip:#}");
    assert!(!clip["metadata"]["analysis"]["run"].as_str().unwrap().is_empty());
    assert_eq!(clip["metadata"]["highlights"], Value::Null, "nothing is said of what was not heard");

    stage.idle().await;
    let metadata = self::clip(&stage, &clip["id"]).await["metadata"].clone();
    assert_eq!(metadata["highlight_count"], 1, "{metadata:#}");
    let start = metadata["highlights"][0]["timestamp"].as_f64().unwrap();
    assert!((start - 400.0).abs() <= 0.5, "{metadata:#}");
    assert_eq!(metadata["analyzed_by"], "highlight_detector");
    assert_eq!(metadata["analysis"], Value::Null, "it waits no more");
}

#[tokio::test]
async fn somebody_who_waits_sees_how_far_it_is() {
    let stage = stage().await;
    let clip = upload(&stage, "evening.wav", &long_recording(30, 400)).await;
    let run = clip["metadata"]["analysis"]["run"].as_str().unwrap().to_owned();
    let detector = "highlight_detector".parse().unwrap();
    let mut under_way = Vec::new();
    loop {
        let status = stage.delivery().task_run(&detector, &run).await.unwrap().expect("the run is known");
        if format!("{:?}", status.state) == "Done" {
            break;
        }
        under_way.extend(status.progress.filter(|progress| progress.share > 0.0 && progress.share < 1.0));
        under_way.dedup();
        tokio::task::yield_now().await;
    }
    assert!(!under_way.is_empty());
    assert!(under_way.iter().all(|progress| progress.message.ends_with(" of 30 minutes")), "{under_way:?}");
}

#[tokio::test]
async fn a_run_is_done_once() {
    let stage = stage().await;
    let clip = upload(&stage, "evening.wav", &long_recording(11, 400)).await;
    let run = clip["metadata"]["analysis"]["run"].as_str().unwrap().to_owned();
    stage.idle().await;
    let detector = "highlight_detector".parse().unwrap();
    let status = stage.delivery().task_run(&detector, &run).await.unwrap().expect("the run is known");
    assert_eq!(status.task, "analyse");
    assert_eq!(status.error, None, "{status:?}");
    assert_eq!((format!("{:?}", status.state).as_str(), status.attempt), ("Done", 1), "{status:?}");
}

#[tokio::test]
async fn a_long_clip_that_is_deleted_meanwhile_leaves_nothing_to_do() {
    let stage = stage().await;
    let clip = upload(&stage, "evening.wav", &long_recording(11, 400)).await;
    stage.ask("DELETE", &format!("{CLIPS}/{}", clip["id"])).send().await.expect(204);
    stage.idle().await;
    let counts = stage.delivery().counts();
    assert_eq!((counts.tasks_queued, counts.tasks_running), (0, 0), "it is not tried again");
}

#[tokio::test]
async fn what_was_heard_in_a_file_that_was_replaced_is_not_said_of_the_new_one() {
    let stage = stage().await;
    let clip = upload(&stage, "evening.wav", &long_recording(11, 400)).await;
    let address = format!("{CLIPS}/{}/media", clip["id"]);
    stage.ask("PUT", &address).body(media("three-highlights.mp4")).send().await.expect(200);
    stage.idle().await;
    let metadata = self::clip(&stage, &clip["id"]).await["metadata"].clone();
    assert_eq!(metadata["highlight_count"], 3, "{metadata:#}");
    assert_eq!(metadata["analysis"], Value::Null, "{metadata:#}");
}

/// A plugin that takes its time with every clip, after the detector had its turn.
const THOROUGH: &str = r#"
id: thorough
name: Thorough
version: 1.0.0
type: builtin
category: media
enabled_by_default: true
requires: [{ plugin_id: clips, version: ">=1" }]
provides:
  filters: [{ name: clip.captured }]
"#;

#[tokio::test]
async fn a_long_clip_that_is_heard_before_its_answer_is_given_does_not_stay_queued() {
    let (runs, mut asked) = mpsc::unbounded_channel();
    let go_on = Arc::new(Notify::new());
    let waits = go_on.clone();
    let thorough = Definition::new(THOROUGH).filter("clip.captured", move |_, clip: Value| {
        let (runs, waits) = (runs.clone(), waits.clone());
        async move {
            let run = clip["metadata"]["analysis"]["run"].as_str().unwrap_or_default();
            runs.send(run.to_owned()).unwrap();
            waits.notified().await;
            Ok(clip)
        }
    });
    let stage = stage_with([thorough]).await;
    let file = long_recording(11, 400);
    let heard_too_early = async {
        let run = asked.recv().await.unwrap();
        let detector = "highlight_detector".parse().unwrap();
        loop {
            let status = stage.delivery().task_run(&detector, &run).await.unwrap().unwrap();
            if let Some(error) = status.error {
                assert!(error.contains("is not saved yet"), "{error}");
                break;
            }
            tokio::task::yield_now().await;
        }
        go_on.notify_one();
    };
    let (clip, ()) = tokio::join!(upload(&stage, "evening.wav", &file), heard_too_early);
    assert_eq!(clip["metadata"]["analysis"]["status"], "queued", "{clip:#}");

    stage.clock().advance(std::time::Duration::from_secs(60));
    stage.idle().await;
    let metadata = self::clip(&stage, &clip["id"]).await["metadata"].clone();
    assert_eq!(metadata["highlight_count"], 1, "{metadata:#}");
    assert_eq!(metadata["analysis"], Value::Null, "{metadata:#}");
}

#[tokio::test]
async fn one_organization_may_do_without_it_while_another_has_it() {
    let stage = stage().await;
    stage.kernel().create_organization(&By::system("test"), "others", "Others").await.unwrap();
    stage.kernel().disable(&By::system("test"), "highlight_detector", "default").await.unwrap();
    let file = media("passage.flac");

    let without: Value = upload_for(&stage, "default", "passage.flac", &file).await.json(201);
    assert_eq!(without["metadata"], Value::Null, "{without:#}");
    let with: Value = upload_for(&stage, "others", "passage.flac", &file).await.json(201);
    assert_eq!(with["metadata"]["highlight_count"], 1, "{with:#}");

    stage.kernel().enable(&By::system("test"), "highlight_detector", "default").await.unwrap();
    let again: Value = upload_for(&stage, "default", "passage.flac", &file).await.json(201);
    assert_eq!(again["metadata"]["highlight_count"], 1, "{again:#}");
}

#[tokio::test]
async fn each_organization_decides_what_a_highlight_is() {
    let stage = stage().await;
    stage.kernel().create_organization(&By::system("test"), "others", "Others").await.unwrap();
    let config = json!({ "min_duration": 7 }).as_object().unwrap().clone();
    stage
        .kernel()
        .configure(&By::system("test"), "highlight_detector", Some("others"), config)
        .await
        .unwrap();
    let file = media("passage.flac");
    let found = |clip: Value| clip["metadata"]["highlights"][0]["duration"].as_f64().unwrap();
    assert_eq!(found(upload_for(&stage, "default", "passage.flac", &file).await.json(201)), 5.0);
    assert_eq!(found(upload_for(&stage, "others", "passage.flac", &file).await.json(201)), 7.0);
}

#[tokio::test]
async fn a_configuration_that_means_nothing_is_refused() {
    let stage = stage().await;
    for config in [
        json!({ "sensitivity": 1.1 }),
        json!({ "sensitivity": -0.1 }),
        json!({ "min_duration": 0 }),
        json!({ "min_duration": 2.5 }),
        json!({ "threshold": 3 }),
    ] {
        let config = config.as_object().unwrap().clone();
        let refused =
            stage.kernel().configure(&By::system("test"), "highlight_detector", None, config.clone()).await;
        assert!(refused.is_err(), "{config:?}");
    }
}
