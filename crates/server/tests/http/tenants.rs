//! One organization is nothing to another.

use reqwest::Method;
use serde_json::{Value as Json, json};
use switchboard_kernel::By;

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
};

/// A server with a second organization, and a token for each of the two.
async fn two() -> (Stage, String, String) {
    let stage = Stage::new().await;
    stage.kernel.create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    let (ours, theirs) =
        (stage.token("ours", Some("default")).await, stage.token("theirs", Some("acme")).await);
    (stage, ours, theirs)
}

async fn ask(stage: &Stage, method: Method, address: &str, token: &str, organization: &str) -> Answer {
    let asked = stage.ask(method, address).bearer_auth(token).header("x-organization", organization);
    Answer::of(asked.send().await.unwrap()).await
}

fn titles(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|clip| clip["title"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_organization_sees_nothing_of_another() {
    let (stage, ours, theirs) = two().await;
    let clip = stage.clip(&ours, "Ours").await;
    let address = format!("{CLIPS}/{clip}");
    let media = format!("{address}/media");
    let stored = stage.ask(Method::PUT, &media).bearer_auth(&ours).body("bytes").send().await.unwrap();
    assert_eq!(stored.status(), 200);

    assert_eq!(stage.send(Method::GET, CLIPS, &theirs).await.json(200), json!([]));
    assert_eq!(stage.send(Method::GET, &format!("{CLIPS}/stats"), &theirs).await.json(200)["total_clips"], 0);
    let said = format!("Clip with id {clip} not found");
    for (method, address) in [(Method::GET, &address), (Method::DELETE, &address), (Method::GET, &media)] {
        assert_eq!(stage.send(method, address, &theirs).await.detail(404), said);
    }
    for method in [Method::PUT, Method::PATCH] {
        let asked = stage.ask(method, &address).bearer_auth(&theirs).json(&json!({ "title": "Stolen" }));
        assert_eq!(Answer::of(asked.send().await.unwrap()).await.detail(404), said);
    }
    let asked = stage.ask(Method::PUT, &media).bearer_auth(&theirs).body("theirs");
    assert_eq!(Answer::of(asked.send().await.unwrap()).await.detail(404), said);

    stage.clip(&theirs, "Theirs").await;
    assert_eq!(titles(&stage.send(Method::GET, CLIPS, &ours).await.json(200)), ["Ours"]);
    assert_eq!(titles(&stage.send(Method::GET, CLIPS, &theirs).await.json(200)), ["Theirs"]);
    assert_eq!(stage.send(Method::GET, &media, &ours).await.expect(200).text(), "bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_organization_does_not_name_another() {
    let (stage, ours, _) = two().await;
    ask(&stage, Method::GET, CLIPS, &ours, "default").await.expect(200);
    for other in ["acme", "nobody", "", "Default"] {
        ask(&stage, Method::GET, CLIPS, &ours, other).await.detail(403);
    }
    stage.send(Method::GET, "/api/org/default/trial/words/a", &ours).await.expect(200);
    // Whether it exists is not theirs to know.
    for other in ["acme", "nobody"] {
        let address = format!("/api/org/{other}/trial/words/a");
        stage.send(Method::GET, &address, &ours).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_all_organizations_says_which_as_soon_as_there_are_several() {
    let stage = Stage::new().await;
    stage.get(CLIPS).await.expect(200);
    stage.kernel.create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    let asked = stage.get(CLIPS).await.detail(400);
    assert!(asked.contains("X-Organization"), "{asked}");
    for named in ["acme", "default"] {
        ask(&stage, Method::GET, CLIPS, stage.admin(), named).await.expect(200);
    }
    ask(&stage, Method::GET, CLIPS, stage.admin(), "nobody").await.detail(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_off_for_an_organization_is_not_there_for_it_alone() {
    let (stage, ours, theirs) = two().await;
    stage.kernel.disable(&By::system("test"), "clips", "acme").await.unwrap();
    stage.send(Method::GET, CLIPS, &theirs).await.detail(404);
    stage.send(Method::GET, CLIPS, &ours).await.expect(200);
    stage.kernel.enable(&By::system("test"), "clips", "acme").await.unwrap();
    stage.send(Method::GET, CLIPS, &theirs).await.expect(200);
}
