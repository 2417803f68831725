//! Tasks and schedules at the terminal, with a server and without.

use serde_json::{Value as Json, json};

use crate::installation::Installation;

#[tokio::test]
async fn a_task_is_scheduled_paused_and_its_schedule_removed() {
    let installation = Installation::new();
    let server = installation.serve();
    assert_eq!(installation.run(&["task", "list"]).out.trim(), "Nothing runs by itself.");
    let place = ["highlight_detector", "nightly"];
    let refused =
        installation.run(&["task", "schedule", place[0], place[1], "analyse", "--cron", "0 25 * * *"]);
    assert!(refused.code == 1 && refused.err.contains("not a cron expression"), "{}", refused.err);
    let unsaid = installation.run(&["task", "schedule", place[0], place[1], "analyse"]);
    assert!(unsaid.code == 2 && unsaid.err.contains("--cron"), "{}", unsaid.err);
    let unknown = installation.run(&["task", "schedule", place[0], place[1], "dance", "--every", "60"]);
    assert!(unknown.code == 1 && unknown.err.contains("declares no task `dance`"), "{}", unknown.err);
    let strange = installation.run(&["task", "pause", "../../plugins", "x"]);
    assert!(strange.code == 1 && strange.err.contains("there is nothing of the name"), "{}", strange.err);

    let cron = ["--org", "default", "--cron", "0 3 * * *", "--time-zone", "Europe/Berlin"];
    let made = installation.json(&[&["task", "schedule", place[0], place[1], "analyse"], &cron[..]].concat());
    assert_eq!((&made["origin"], &made["plan"]["time_zone"]), (&json!("person"), &json!("Europe/Berlin")));
    let listed = installation.run(&["task", "list", "--org", "default"]).out;
    assert!(listed.contains("nightly") && listed.contains("0 3 * * * Europe/Berlin"), "{listed}");
    let paused = installation.json(&["task", "pause", place[0], place[1], "--org", "default"]);
    assert_eq!((&paused["paused"], &paused["next_at"]), (&json!(true), &Json::Null));
    assert!(installation.run(&["task", "list"]).out.contains("paused"));
    server.stop();
    let resumed = installation.json(&["task", "resume", place[0], place[1], "--org", "default"]);
    assert_eq!(resumed["paused"], json!(false), "it was kept over the stop, and a server is not needed");
    installation.json(&["task", "unschedule", place[0], place[1], "--org", "default"]);
    assert_eq!(installation.json(&["task", "list"])["schedules"], json!([]));
}

#[tokio::test]
async fn what_a_run_came_to_is_seen_at_the_terminal() {
    let installation = Installation::new();
    let _server = installation.serve();
    assert_eq!(installation.run(&["task", "runs"]).out.trim(), "No run of a task is kept.");
    let once = ["task", "schedule", "highlight_detector", "once", "analyse", "--org", "default"];
    installation.json(&[&once[..], &["--at", "2026-01-01T00:00:00Z"]].concat());
    let run = loop {
        let runs = installation.json(&["task", "runs", "highlight_detector", "--task", "analyse"]);
        if let Some(run) = runs["runs"].get(0) {
            break run.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!((&run["schedule"], &run["due_at"]), (&json!("once"), &json!("2026-01-01T00:00:00Z")));
    let shown = installation.run(&["task", "runs", "--org", "default"]).out;
    assert!(shown.contains(run["run"].as_str().unwrap()), "{shown}");
    let none = installation.run(&["task", "cancel", "highlight_detector", "analyse-0"]);
    assert!(none.code == 1 && none.err.contains("has no run"), "{}", none.err);
}
