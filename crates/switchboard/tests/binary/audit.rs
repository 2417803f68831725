//! Who changed what, as it is read at the terminal.

use serde_json::Value as Json;

use crate::installation::Installation;

#[test]
fn what_was_changed_is_listed_exported_and_found_to_be_as_it_was_written() {
    let installation = Installation::new();
    let made = installation.json(&["token", "create", "laptop", "--calls-per-second", "5"]);
    installation.json(&["plugin", "disable", "highlight_detector", "--org", "default"]);
    // Without a server, and then through one.
    let _server = installation.serve();
    installation.json(&["token", "revoke", &made["id"].to_string()]);

    let page = installation.json(&["audit", "list", "--action", "token.*"]);
    let lines = page["lines"].as_array().unwrap();
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["token.revoked", "token.created"]);
    assert_eq!(lines[1]["after"]["calls_per_second"], 5);
    assert_eq!(lines[0]["actor"]["name"], "local");
    let listed = installation.run(&["audit", "list", "--org", "default", "--subject", "plugin:*"]);
    assert!(listed.out.contains("plugin.disabled") && !listed.out.contains("token."), "{}", listed.out);

    let exported = installation.run(&["audit", "export"]);
    let ids: Vec<i64> = exported
        .out
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap()["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (1..=i64::try_from(ids.len()).unwrap()).collect::<Vec<_>>());
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.err);
    assert!(verified.out.contains(&format!("Right: {} lines", ids.len())), "{}", verified.out);
    let refused = installation.run(&["audit", "list", "--since", "yesterday"]);
    assert!(refused.code == 1 && refused.err.contains("since"), "{}", refused.err);
}
