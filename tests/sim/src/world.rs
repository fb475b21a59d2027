//! One thread of tasks, and a clock that only the tasks' waiting moves.
//!
//! **Invariant:** which task goes on next is decided by virtual time and the seed alone, so the same seed is the
//! same run, step by step. There are no wakers: a task that waits is named in the list of timers or in the
//! [`Slot`] it waits for.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::random::Random;

/// A task's name.
pub type TaskId = u64;
/// The name of a process: its tasks die together.
pub type ProcessId = u32;

/// When every run begins: microseconds of Unix time.
pub const BEGIN_US: u64 = 1_800_000_000_000_000;

struct Task {
    process: Option<ProcessId>,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

/// The tasks, the clock and the choices of one run.
pub struct World {
    /// Every choice of the run.
    pub random: Random,
    now_us: Cell<u64>,
    next: Cell<u64>,
    current: Cell<TaskId>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    ready: RefCell<Vec<TaskId>>,
    timers: RefCell<BinaryHeap<Reverse<(u64, u64, TaskId)>>>,
    doomed: RefCell<Vec<ProcessId>>,
    trace: RefCell<std::collections::VecDeque<String>>,
    trace_lines: usize,
    steps: Cell<u64>,
}

impl World {
    /// An empty world of `seed`, which remembers so many of its last steps.
    #[must_use]
    pub fn new(seed: u64, trace_lines: usize) -> Rc<Self> {
        Rc::new(Self {
            random: Random::new(seed),
            now_us: Cell::new(BEGIN_US),
            next: Cell::new(1),
            current: Cell::new(0),
            tasks: RefCell::default(),
            ready: RefCell::default(),
            timers: RefCell::default(),
            doomed: RefCell::default(),
            trace: RefCell::default(),
            trace_lines,
            steps: Cell::new(0),
        })
    }

    /// The true time: microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.now_us.get()
    }

    /// The true time: Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        i64::try_from(self.now_us.get() / 1000).unwrap_or(i64::MAX)
    }

    /// Milliseconds since the run began.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        (self.now_us.get() - BEGIN_US) / 1000
    }

    /// How many times a task went on.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    fn fresh(&self) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        number
    }

    /// Starts a task, of a process or of nobody.
    pub fn spawn(&self, process: Option<ProcessId>, future: impl Future<Output = ()> + 'static) {
        let id = self.fresh();
        self.tasks.borrow_mut().insert(id, Task { process, future: Box::pin(future) });
        self.ready.borrow_mut().push(id);
    }

    /// Ends a process as soon as the running task pauses: its tasks are dropped where they stand.
    pub fn doom(&self, process: ProcessId) {
        self.doomed.borrow_mut().push(process);
    }

    fn wake(&self, task: TaskId) {
        self.ready.borrow_mut().push(task);
    }

    /// Waits for `us` microseconds.
    pub async fn sleep_us(self: &Rc<Self>, us: u64) {
        Sleep { world: self.clone(), until_us: self.now_us() + us, is_registered: false }.await;
    }

    /// Waits for `ms` milliseconds.
    pub async fn sleep_ms(self: &Rc<Self>, ms: u64) {
        self.sleep_us(ms * 1000).await;
    }

    /// Waits for a random time up to `most_us` microseconds.
    pub async fn dawdle_us(self: &Rc<Self>, most_us: u64) {
        self.sleep_us(self.random.below(most_us + 1)).await;
    }

    /// Runs until `is_over` says so after a step, or nothing is left to do.
    pub fn run(&self, is_over: impl Fn() -> bool) {
        while !is_over() && self.step() {}
    }

    /// Lets one task go on; `false` when all wait for ever.
    fn step(&self) -> bool {
        let Some(id) = self.next_ready() else { return false };
        // The task is taken out while it runs, so that it may start and end others.
        let Some(mut task) = self.tasks.borrow_mut().remove(&id) else { return true };
        self.current.set(id);
        self.steps.set(self.steps.get() + 1);
        let is_done = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        if !is_done {
            self.tasks.borrow_mut().insert(id, task);
        }
        self.bury();
        true
    }

    fn next_ready(&self) -> Option<TaskId> {
        let mut ready = self.ready.borrow_mut();
        if ready.is_empty() {
            let Reverse((at_us, _, task)) = self.timers.borrow_mut().pop()?;
            self.now_us.set(self.now_us.get().max(at_us));
            return Some(task);
        }
        let place = self.random.index(ready.len());
        Some(ready.swap_remove(place))
    }

    fn bury(&self) {
        let doomed = std::mem::take(&mut *self.doomed.borrow_mut());
        if doomed.is_empty() {
            return;
        }
        let mut tasks = self.tasks.borrow_mut();
        let is_dead = |task: &Task| task.process.is_some_and(|process| doomed.contains(&process));
        let ids: Vec<TaskId> = tasks.iter().filter(|(_, task)| is_dead(task)).map(|(id, _)| *id).collect();
        let dead: Vec<Task> = ids.iter().filter_map(|id| tasks.remove(id)).collect();
        drop(tasks);
        drop(dead); // What these tasks held tells others on its way out.
    }

    /// Drops every task: the run is over.
    pub fn end(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(tasks);
        self.tasks.borrow_mut().clear();
    }

    /// Remembers a step, for the trace of a run that failed.
    pub fn note(&self, line: impl FnOnce() -> String) {
        if self.trace_lines == 0 {
            return;
        }
        let mut trace = self.trace.borrow_mut();
        if trace.len() == self.trace_lines {
            trace.pop_front();
        }
        let at = self.now_us() - BEGIN_US;
        trace.push_back(format!("{:>6}.{:06} {}", at / 1_000_000, at % 1_000_000, line()));
    }

    /// Whether steps are remembered.
    #[must_use]
    pub const fn is_traced(&self) -> bool {
        self.trace_lines > 0
    }

    /// The last steps.
    #[must_use]
    pub fn trace(&self) -> Vec<String> {
        self.trace.borrow().iter().cloned().collect()
    }
}

struct Sleep {
    world: Rc<World>,
    until_us: u64,
    is_registered: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.world.now_us() >= self.until_us {
            return Poll::Ready(());
        }
        if !self.is_registered {
            self.is_registered = true;
            let timer = (self.until_us, self.world.fresh(), self.world.current.get());
            self.world.timers.borrow_mut().push(Reverse(timer));
        }
        Poll::Pending
    }
}

/// A place for one value that a task waits for.
pub struct Slot<T> {
    world: Rc<World>,
    inner: Rc<RefCell<Inner<T>>>,
}

struct Inner<T> {
    value: Option<T>,
    is_abandoned: bool,
    waiter: Option<TaskId>,
}

/// The giving end of a [`Slot`]; dropped without a value, it tells so.
pub struct Giver<T> {
    world: Rc<World>,
    inner: Rc<RefCell<Inner<T>>>,
}

/// A slot and its giving end.
pub fn slot<T>(world: &Rc<World>) -> (Giver<T>, Slot<T>) {
    let inner = Rc::new(RefCell::new(Inner { value: None, is_abandoned: false, waiter: None }));
    (Giver { world: world.clone(), inner: inner.clone() }, Slot { world: world.clone(), inner })
}

impl<T> Giver<T> {
    /// Hands the value over.
    pub fn give(self, value: T) {
        self.inner.borrow_mut().value = Some(value);
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let mut inner = self.inner.borrow_mut();
        inner.is_abandoned = true;
        if let Some(waiter) = inner.waiter.take() {
            self.world.wake(waiter);
        }
    }
}

impl<T> Future for Slot<T> {
    /// The value; nothing when the giver went away.
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inner = self.inner.borrow_mut();
        if inner.is_abandoned || inner.value.is_some() {
            return Poll::Ready(inner.value.take());
        }
        inner.waiter = Some(self.world.current.get());
        Poll::Pending
    }
}

/// What `work` comes to, or nothing when it takes longer than `us` microseconds; then `work` is dropped.
pub async fn within<T>(world: &Rc<World>, us: u64, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let mut deadline = std::pin::pin!(world.sleep_us(us));
    std::future::poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        deadline.as_mut().poll(context).map(|()| None)
    })
    .await
}
