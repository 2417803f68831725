//! Plugins that hear nothing for now.

use switchboard_kernel::By;
use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, id, pass_time, say_about, stage, with_source};

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_paused_hears_what_it_missed_in_order_once_it_is_resumed() {
    let (archive, billing) = (Attempts::that_go_well(), Attempts::that_go_well());
    let stage = stage([("archive", &archive), ("billing", &billing)]).await;
    say_about(&stage, "a", [1]).await;
    stage.idle().await;
    let by = By::system("test");
    assert!(stage.kernel().pause_listener(&by, "archive", None).await.unwrap());
    assert!(!stage.kernel().pause_listener(&by, "archive", None).await.unwrap(), "it is already");
    say_about(&stage, "a", [2, 3]).await;
    say_about(&stage, "b", [4]).await;
    pass_time(&stage).await;
    assert_eq!((archive.numbers(), billing.numbers().len()), (vec![1], 4));
    let backlog = stage.delivery().backlogs(None).await.unwrap()[&id("archive")];
    assert_eq!((backlog.waiting, backlog.dead, stage.delivery().counts().pending), (3, 0, 3));

    // A restart changes nothing.
    let plugins = with_source([("archive", &archive), ("billing", &billing)]);
    let stage = stage.again_with(plugins).await;
    pass_time(&stage).await;
    assert_eq!(archive.numbers(), [1]);
    assert_eq!(stage.kernel().pauses().of(&id("archive"))[0].by, "system");
    say_about(&stage, "a", [5]).await;
    assert!(stage.kernel().resume_listener(&by, "archive", None).await.unwrap());
    stage.idle().await;
    let mut heard = archive.numbers();
    heard.retain(|number| *number != 4);
    assert_eq!(heard, [1, 2, 3, 5]);
    assert!(archive.all().iter().all(|event| event.attempt == 1), "waiting is no attempt");
    assert_eq!(stage.delivery().counts(), Default::default());
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_paused_for_one_organization_hears_the_events_of_another() {
    let archive = Attempts::that_go_well();
    let stage = stage([("archive", &archive)]).await;
    let by = By::system("test");
    stage.kernel().create_organization(&by, "acme", "Acme").await.unwrap();
    stage.kernel().pause_listener(&by, "archive", Some("acme")).await.unwrap();
    say_about(&stage, "a", [1]).await;
    stage.idle().await;
    assert_eq!(archive.numbers(), [1]);
    stage.kernel().pause_listener(&by, "archive", Some("default")).await.unwrap();
    say_about(&stage, "a", [2]).await;
    stage.idle().await;
    assert!(!stage.kernel().resume_listener(&by, "archive", None).await.unwrap(), "it is not paused for all");
    stage.kernel().resume_listener(&by, "archive", Some("acme")).await.unwrap();
    stage.idle().await;
    assert_eq!(archive.numbers(), [1]);
    stage.kernel().resume_listener(&by, "archive", Some("default")).await.unwrap();
    stage.idle().await;
    assert_eq!(archive.numbers(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_before_a_pause_is_not_tried_again_within_it() {
    let archive = Attempts::that(|event: &Event| match event.attempt {
        1 => Fate::Fails("not yet"),
        _ => Fate::Well,
    });
    let stage = stage([("archive", &archive)]).await;
    say_about(&stage, "a", [1]).await;
    stage.idle().await;
    stage.kernel().pause_listener(&By::system("test"), "archive", None).await.unwrap();
    pass_time(&stage).await;
    pass_time(&stage).await;
    assert_eq!(archive.all().len(), 1);
    stage.kernel().resume_listener(&By::system("test"), "archive", None).await.unwrap();
    stage.idle().await;
    assert_eq!(archive.numbers(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_listens_to_nothing_is_not_paused() {
    let stage = stage([]).await;
    let refused = stage.kernel().pause_listener(&By::system("test"), "source", None).await.unwrap_err();
    assert_eq!(refused.to_string(), "plugin `source` listens to no events");
}
