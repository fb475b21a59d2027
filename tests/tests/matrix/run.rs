//! One flow, struck at every host call and at both moments of each, and made good.

use hongbao_client::{Answer, Failure};
use hongbao_host::{Moment, Verdict};
use hongbao_tests::Person;
use serde_json::{Value, json};

use crate::switch::Blow;
use crate::world::World;

/// The moments at which a call is struck.
pub(crate) const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

/// A request whose component is struck.
pub(crate) struct Act {
    pub(crate) who: Person,
    pub(crate) path: String,
    pub(crate) body: Value,
}

impl Act {
    /// `POST path` by `who`.
    pub(crate) fn new(who: &Person, path: impl Into<String>, body: Value) -> Self {
        Self { who: who.clone(), path: path.into(), body }
    }
}

/// A step of the application, and what must be true after it.
pub(crate) trait Flow {
    /// The component that does it.
    const COMPONENT: &str;
    /// Whether a timer does it: nobody asks again at once, but the timer comes again later.
    const IS_TIMER: bool = false;
    /// Who and what is in one case.
    type Scene;

    /// Its name in the table.
    fn name(&self) -> &'static str {
        Self::COMPONENT
    }

    /// Makes everything ready for a case of its own.
    async fn prepare(&self, world: &World) -> (Act, Self::Scene);

    /// What of the answer is the same however often is asked.
    fn lasting(answer: &Value) -> Value {
        answer.clone()
    }

    /// Checks what must be true once it was answered, and brings the case to its end.
    async fn check(&self, world: &World, scene: Self::Scene, answer: &Value);
}

/// A line of the table.
pub(crate) struct Row {
    pub(crate) flow: &'static str,
    pub(crate) calls: u64,
    pub(crate) crashes: u64,
}

/// Names the case to whoever reads of its failure.
struct Case(String);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was with {}", self.0);
        }
    }
}

/// Runs a flow undisturbed, then struck by `verdict` at every call.
pub(crate) async fn matrix<F: Flow>(world: &World, flow: &F, verdict: Verdict) -> Row {
    undisturbed(world, flow).await; // From here on the scripts are known to Redis.
    let calls = undisturbed(world, flow).await;
    let mut crashes = 0;
    for call in 1..=calls {
        for moment in MOMENTS {
            let blow = Blow { call, moment, verdict };
            let _case = Case(format!("{}: {blow:?} of {calls}", flow.name()));
            crashes += u64::from(struck(world, flow, blow).await);
        }
    }
    world.sweep().await;
    world.check_books().await;
    Row { flow: flow.name(), calls, crashes }
}

/// A case without a fault, asked twice; how many host calls the first took.
async fn undisturbed<F: Flow>(world: &World, flow: &F) -> u64 {
    let _case = Case(format!("{}, undisturbed", flow.name()));
    let (act, scene) = flow.prepare(world).await;
    world.switch.set(F::COMPONENT, None);
    let first = granted::<F>(world, &act).await;
    let seen = world.switch.off();
    again::<F>(world, &act, &first).await;
    finish(world, flow, scene, &first).await;
    seen.calls
}

/// A case with a fault; whether it came to it.
async fn struck<F: Flow>(world: &World, flow: &F, blow: Blow) -> bool {
    let (act, scene) = flow.prepare(world).await;
    world.switch.set(F::COMPONENT, Some(blow));
    let told = told(world.ask(&act.who, &act.path, &act.body).await);
    let seen = world.switch.off();
    if seen.has_struck && blow.verdict == Verdict::Trap {
        assert_eq!((told.status, &told.body["error"]["code"]), (500, &json!("internal")), "{}", told.body);
    }
    if F::IS_TIMER {
        world.time_passes();
    }
    let answer = granted::<F>(world, &act).await;
    if told.status < 300 && !F::IS_TIMER {
        assert_eq!(F::lasting(&told.body), F::lasting(&answer), "the answer that came and the one that comes again");
    }
    again::<F>(world, &act, &answer).await;
    finish(world, flow, scene, &answer).await;
    seen.has_struck
}

async fn finish<F: Flow>(world: &World, flow: &F, scene: F::Scene, answer: &Value) {
    world.set_clock(0);
    flow.check(world, scene, answer).await;
    world.books.check();
}

/// Asks what must be granted now.
async fn granted<F: Flow>(world: &World, act: &Act) -> Value {
    let told = told(world.ask(&act.who, &act.path, &act.body).await);
    assert!(told.status < 300, "{} {} → {} {}", act.path, act.body, told.status, told.body);
    told.body
}

/// Asks once more, long after it was answered: nothing is different.
async fn again<F: Flow>(world: &World, act: &Act, answer: &Value) {
    let again = granted::<F>(world, act).await;
    assert_eq!(F::lasting(&again), F::lasting(answer), "asked twice in a row");
}

/// What a client was told, struck or not.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// What the crash of a component may come to.
const TROUBLE: [(u16, &str); 4] = [(500, "internal"), (500, "misconfigured"), (503, "unavailable"), (503, "degraded")];

/// The answer, which is always one: whole, in JSON, and granted or a row of the table.
pub(crate) fn told(answer: Result<Answer, Failure>) -> Told {
    let answer = answer.unwrap_or_else(|failure| panic!("no answer: {failure}"));
    let (status, body) = (answer.status.as_u16(), answer.json());
    let context = format!("{status} {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"), "{context}");
    assert!(body.is_object(), "{context}");
    if status >= 300 {
        let code = body["error"]["code"].as_str().unwrap_or_default();
        assert!(TROUBLE.contains(&(status, code)), "no row of the table for trouble: {context}");
        assert!(body["error"]["message"].is_string(), "{context}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{context}");
    }
    Told { status, body }
}
