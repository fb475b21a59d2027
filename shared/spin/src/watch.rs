//! The deadlines of an instance's concurrent calls, all watched by one clock.
//!
//! A timer for each call costs more than the call itself: the platform takes 20 µs to cancel one, and lets no other
//! request into the instance meanwhile, so that others are made. Here one task ticks while calls wait; each call waits
//! for its answer or for an alarm that costs next to nothing to make and to drop.
//!
//! **Invariant:** while a call waits, somebody watches: whoever begins to wait and finds nobody, does.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures_util::future::{Either, select};
use spin_sdk::wasip3::wit_bindgen::StreamWriter;
use spin_sdk::wasip3::{wit_bindgen, wit_stream};

/// How often the watch looks: a deadline is kept to within two of these.
const TICK: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Watch {
    is_kept: Cell<bool>,
    /// Ticks so far.
    now: Cell<u64>,
    next: Cell<u64>,
    alarms: RefCell<BTreeMap<u64, Alarm>>,
}

/// Rings by being dropped: who waits reads from the other end, and reads its end. A stream, since tasks of one
/// instance may hand each other nothing but bytes, and cannot wake each other.
struct Alarm {
    due: u64,
    _bell: StreamWriter<u8>,
}

thread_local! {
    static WATCH: Watch = Watch::default();
}

/// An alarm that is set, until this is dropped.
struct Set(u64);

impl Drop for Set {
    fn drop(&mut self) {
        let alarm = WATCH.with(|watch| watch.alarms.borrow_mut().remove(&self.0));
        // Only now, when the table is free again: dropping it is a call to the platform.
        drop(alarm);
    }
}

impl Watch {
    fn due(&self, bound: Duration) -> u64 {
        let ticks = u64::try_from(bound.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX);
        // One more: the tick that comes next may come at once.
        self.now.get().saturating_add(ticks).saturating_add(1)
    }

    fn set(&self, due: u64, bell: StreamWriter<u8>) -> Set {
        let number = self.next.replace(self.next.get().wrapping_add(1));
        self.alarms.borrow_mut().insert(number, Alarm { due, _bell: bell });
        if !self.is_kept.replace(true) {
            wit_bindgen::spawn(keep());
        }
        Set(number)
    }

    /// One tick: the alarms that are due.
    fn tick(&self) -> Vec<Alarm> {
        let now = self.now.get().saturating_add(1);
        self.now.set(now);
        self.alarms.borrow_mut().extract_if(.., |_, alarm| alarm.due <= now).map(|(_, alarm)| alarm).collect()
    }

    /// Whether anybody waits; when nobody does, the watch ends.
    fn goes_on(&self) -> bool {
        let goes_on = !self.alarms.borrow().is_empty();
        self.is_kept.set(goes_on);
        goes_on
    }
}

async fn keep() {
    while WATCH.with(Watch::goes_on) {
        spin_sdk::time::sleep(TICK).await;
        drop(WATCH.with(Watch::tick));
    }
}

/// What `work` answers, or `None` when it takes longer than `bound`; then `work` is cancelled.
pub async fn within<T>(bound: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (bell, mut alarm) = wit_stream::new::<u8>();
    let set = WATCH.with(|watch| watch.set(watch.due(bound), bell));
    let answer = match select(pin!(work), pin!(alarm.read(Vec::with_capacity(1)))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    };
    // The reader first: then nobody is told of the bell's end.
    drop(alarm);
    drop(set);
    answer
}
