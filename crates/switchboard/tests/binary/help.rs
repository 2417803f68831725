//! What `--help` says is the manual, and so read like one before it changes.

use crate::installation::Installation;

#[test]
fn help_teaches() {
    let installation = Installation::new();
    let commands: [&[&str]; 46] = [
        &[],
        &["serve"],
        &["plugin"],
        &["plugin", "list"],
        &["plugin", "show"],
        &["plugin", "enable"],
        &["plugin", "disable"],
        &["plugin", "access"],
        &["plugin", "rollout", "set"],
        &["plugin", "test"],
        &["plugin", "calls"],
        &["plugin", "log"],
        &["plugin", "capture"],
        &["plugin", "command"],
        &["plugin", "command", "run"],
        &["plugin", "replay"],
        &["plugin", "pack"],
        &["plugin", "inspect"],
        &["plugin", "key", "new"],
        &["plugin", "sign"],
        &["plugin", "verify"],
        &["plugin", "trust"],
        &["plugin", "trust", "add"],
        &["plugin", "trust", "remove"],
        &["plugin", "push"],
        &["events"],
        &["events", "list"],
        &["events", "replay"],
        &["org"],
        &["import", "feature-flags"],
        &["plugin", "config"],
        &["plugin", "config", "set"],
        &["task"],
        &["task", "list"],
        &["task", "runs"],
        &["task", "run"],
        &["task", "schedule"],
        &["secrets"],
        &["manifest", "check"],
        &["manifest", "schema"],
        &["token", "create"],
        &["token", "revoke"],
        &["backup"],
        &["restore"],
        &["migrate-store"],
        &["doctor"],
    ];
    let pages = commands.map(|command| {
        let mut asked = installation.command(&[command, &["--help"]].concat());
        let output = asked.env_remove("SWITCHBOARD_DATA").output().unwrap();
        assert!(output.status.success());
        format!(
            "$ switchboard {}\n\n{}",
            [command, &["--help"]].concat().join(" "),
            String::from_utf8(output.stdout).unwrap()
        )
    });
    insta::assert_snapshot!(pages.join("\n"));
}
