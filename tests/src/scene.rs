//! One test's corner of a stack: its own group and its own people.

use hongbao_client::{Call, Client, Method};
use hongbao_stack::Stack;
use serde_json::json;

use crate::stage::stage;
use crate::{Person, Reply};

/// A test's corner of a stack.
pub struct Scene<'a> {
    /// The stack.
    pub stack: &'a Stack,
    client: Client,
    name: &'a str,
}

impl<'a> Scene<'a> {
    /// A corner of this program's stack. `name` must be this test's own.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self::on(stage(), name)
    }

    /// A corner of a stack of the test's own.
    #[must_use]
    pub fn on(stack: &'a Stack, name: &'a str) -> Self {
        Self { stack, client: Client::new(stack.base_url()), name }
    }

    /// The scene's group.
    #[must_use]
    pub fn group(&self) -> String {
        format!("g_{}", self.name)
    }

    /// The id of a person of this scene.
    #[must_use]
    pub fn id(&self, who: &str) -> String {
        format!("us_{}-{who}", self.name)
    }

    /// A person who has logged in as a member of the scene's group.
    pub async fn person(&self, who: &str) -> Person {
        self.login(who, &[&self.group()]).await
    }

    /// Several of them.
    pub async fn people<const N: usize>(&self, who: [&str; N]) -> [Person; N] {
        let people = futures::future::join_all(who.map(|who| self.person(who))).await;
        people.try_into().unwrap_or_else(|_| unreachable!("as many come as are called"))
    }

    /// A person who has logged in and is a member of no group.
    pub async fn stranger(&self, who: &str) -> Person {
        self.login(who, &[]).await
    }

    /// A person who has logged in as a member of these groups.
    pub async fn login(&self, who: &str, groups: &[&str]) -> Person {
        let body = json!({"user": self.id(who), "groups": groups});
        let answer = self.call(Method::POST, "/v1/dev/login").json(&body).send().await;
        let answer = Reply::checked("login", answer).granted(200);
        let token = answer["token"].as_str().expect("a token");
        self.bearer(&self.id(who), token)
    }

    /// Several of them, by number.
    pub async fn crowd(&self, size: usize) -> Vec<Person> {
        futures::future::join_all((0..size).map(async |number| self.person(&number.to_string()).await)).await
    }

    /// Whoever this token names, which need not be valid.
    #[must_use]
    pub fn bearer(&self, id: &str, token: &str) -> Person {
        Person::new(self.client.clone(), id, token)
    }

    /// Any request, of nobody.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.client.call(method, path)
    }
}
