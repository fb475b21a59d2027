//! The packets of a group and a person's inbox: who may read them, in which order, with which state.

use hongbao_tests::person::{number, text};
use hongbao_tests::{Draft, Scene, until};
use serde_json::{Value, json};

fn packets(page: &Value) -> &[Value] {
    page["packets"].as_array().unwrap_or_else(|| panic!("no packets: {page}"))
}

#[tokio::test]
async fn a_groups_packets_are_its_members_to_list_newest_first_page_by_page() {
    let scene = Scene::new("group-list");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let path = format!("/v1/groups/{}/packets", scene.group());
    assert_eq!(packets(&bob.get(&path).await.granted(200)).len(), 0);
    let mut sent = Vec::new();
    for round in 0..5 {
        let draft = Draft::new("lucky", 300 + round, 3, &scene.group()).with("greeting", format!("round {round}"));
        sent.insert(0, alice.give(&draft.with("cover", "koi")).await);
    }
    alice.give(&Draft::to_one(100, &bob.id)).await; // Not the group's.
    for limit in [1, 2, 5, 100] {
        let (mut found, mut before) = (Vec::new(), String::new());
        loop {
            let page = bob.get(&format!("{path}?limit={limit}{before}")).await.granted(200);
            found.extend(packets(&page).iter().map(|packet| text(packet, "packet_id")));
            let Some(next) = page["next"].as_str() else { break };
            before = format!("&before={next}");
            assert!(found.len() <= sent.len(), "the pages never end");
        }
        assert_eq!(found, sent, "pages of {limit}");
    }
    let newest = &packets(&bob.get(&path).await.granted(200))[0].clone();
    assert_eq!(
        (&newest["sender"], &newest["kind"], &newest["greeting"], &newest["cover"]),
        (&json!(alice.id), &json!("lucky"), &json!("round 4"), &json!("koi"))
    );
    assert_eq!((number(newest, "total_fen"), number(newest, "count"), &newest["state"]), (304, 3, &json!("open")));
    assert_eq!((&newest["my_amount_fen"], &newest["has_password"]), (&Value::Null, &json!(false)));

    for stranger in [scene.stranger("eve").await, scene.login("mallory", &["g_another"]).await] {
        stranger.get(&path).await.refused(404, "not_found", None);
    }
    bob.get("/v1/groups/nonsense/packets").await.refused(404, "not_found", None);
    bob.get(&format!("{path}?limit=0")).await.refused(400, "invalid_request", Some("limit"));
    bob.get(&format!("{path}?before=yesterday")).await.refused(400, "invalid_request", Some("before"));
    bob.post(&path, &json!({})).await.refused(405, "method_not_allowed", None);
    scene.bearer("nobody", "nothing").get(&path).await.refused(401, "unauthenticated", None);
}

#[tokio::test]
async fn the_list_comes_to_tell_my_share_and_how_a_packet_ended() {
    let scene = Scene::new("group-states");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let path = format!("/v1/groups/{}/packets", scene.group());
    let finished = alice.give(&Draft::new("lucky", 500, 2, &scene.group()).with("password", "芝麻")).await;
    let ended = alice.give(&Draft::new("equal", 400, 4, &scene.group()).for_seconds(1)).await;
    let later = hongbao_tests::draft::in_ms(std::time::Duration::from_secs(3_600));
    let scheduled = alice.give(&Draft::new("lucky", 100, 1, &scene.group()).with("starts_at_ms", later)).await;
    let mut shares = Vec::new();
    for person in [&bob, &carol] {
        let grabbed = person.post(&format!("/v1/packets/{finished}/grab"), &json!({"password": "芝麻"})).await;
        let voucher = text(&grabbed.granted(200), "voucher");
        shares.push(number(&person.try_open(&finished, &voucher).await.granted(200), "amount_fen"));
    }
    let states = || async {
        let page = bob.get(&path).await.granted(200);
        let of = |id: &str| packets(&page).iter().find(|packet| packet["packet_id"] == id).expect("listed").clone();
        let all = [of(&finished), of(&ended), of(&scheduled)];
        (all.clone().map(|packet| packet["state"].clone()) == ["finished", "expired", "scheduled"]).then_some(all)
    };
    let [finished, ended, _] = until("the list tells how they ended", states).await;
    assert_eq!((number(&finished, "settled"), number(&finished, "my_amount_fen")), (2, shares[0]));
    assert_eq!((&finished["has_password"], &ended["my_amount_fen"]), (&json!(true), &Value::Null));
    let carols = carol.get(&path).await.granted(200);
    let hers = packets(&carols).iter().find(|packet| packet["packet_id"] == finished["packet_id"]).expect("listed");
    assert_eq!(number(hers, "my_amount_fen"), shares[1], "each reader's own");
}

#[tokio::test]
async fn an_exclusive_packet_is_in_its_owners_inbox_and_in_nobody_elses() {
    let scene = Scene::new("inbox");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::to_one(888, &bob.id).with("greeting", "生日快乐")).await;
    let inbox = bob.get("/v1/me/inbox").await.granted(200);
    assert_eq!(packets(&inbox).len(), 1, "{inbox}");
    assert_eq!(
        (&packets(&inbox)[0]["packet_id"], &packets(&inbox)[0]["greeting"]),
        (&json!(packet), &json!("生日快乐"))
    );
    for other in [&alice, &carol] {
        assert_eq!(packets(&other.get("/v1/me/inbox").await.granted(200)).len(), 0);
    }
}
