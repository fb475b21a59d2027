//! Who breaks whole servers: each disaster comes now and then, lasts a while and is written into the history.

use std::rc::Rc;

use crate::fault::Disaster;
use crate::link::{Machine, Reach};
use crate::redis::{Reply, Server};
use crate::site::{Site, run_id};

/// Starts the run's disasters.
pub fn start(site: &Rc<Site>) {
    for disaster in site.faults.mix.disasters.clone() {
        let site = site.clone();
        let world = site.world.clone();
        world.spawn(None, async move {
            while site.faults.is_on() {
                site.world.sleep_ms(site.world.random.below(2 * site.faults.mix.calm_ms) + 1).await;
                if site.faults.is_on() {
                    strike(&site, disaster).await;
                }
            }
        });
    }
}

/// Repairs what the disasters left behind.
pub fn repair(site: &Rc<Site>) {
    site.faults.end();
    site.store.is_down.set(false);
    site.store.slow_us.set(0);
    site.store.locked.take();
    site.app_ahead_ms.set(0);
    for machine in &site.machines {
        machine.reach.set(Reach::Up);
        machine.slow_us.set(0);
        machine.server.borrow_mut().is_full = false;
    }
}

async fn strike(site: &Rc<Site>, disaster: Disaster) {
    let random = &site.world.random;
    let number = random.index(site.machines.len());
    let machine = &site.machines[number];
    let lasts_ms = if random.below(4) == 0 { random.between(2_000, 90_000) } else { random.between(10, 3_000) };
    let now_ms = site.world.now_ms();
    site.world.note(|| format!("disaster {disaster:?} on {number} for {lasts_ms} ms"));
    match disaster {
        Disaster::Storm => {
            site.faults.storm(random.between(300, 1000));
            last(site, lasts_ms.min(5_000)).await;
            site.faults.storm(0);
        }
        Disaster::RedisRestart => {
            site.record_fault("redis_restart", Some(number), now_ms);
            restart(site, number);
        }
        Disaster::RedisDown | Disaster::RedisHang => {
            site.record_fault("redis_down", Some(number), now_ms);
            machine.reach.set(if disaster == Disaster::RedisDown { Reach::Down } else { Reach::Hanging });
            last(site, lasts_ms).await;
            machine.reach.set(Reach::Up);
        }
        Disaster::RedisSlow => {
            machine.slow_us.set(random.below(1_500_000));
            last(site, lasts_ms).await;
            machine.slow_us.set(0);
        }
        Disaster::RedisFull => {
            site.record_fault("redis_full", Some(number), now_ms);
            machine.server.borrow_mut().is_full = true;
            last(site, lasts_ms).await;
            machine.server.borrow_mut().is_full = false;
        }
        Disaster::RedisRollback => {
            // What the disk has is what was there some time ago; until the crash nobody notices.
            let saved = machine.server.borrow().data.clone();
            last(site, lasts_ms.min(20_000)).await;
            lose(site, machine, |server| server.data = saved).await;
            site.record_fault("redis_rollback", Some(number), now_ms);
            restart(site, number);
        }
        Disaster::RedisEmpty => {
            lose(site, machine, |server| server.data = crate::redis::Data::default()).await;
            site.record_fault("redis_empty", Some(number), 0);
            restart(site, number);
        }
        _ => strike_application(site, disaster, number, lasts_ms).await,
    }
}

async fn strike_application(site: &Rc<Site>, disaster: Disaster, number: usize, lasts_ms: u64) {
    let random = &site.world.random;
    match disaster {
        Disaster::SqlDown => {
            site.record_fault("sql_down", None, site.world.now_ms());
            site.store.is_down.set(true);
            last(site, lasts_ms).await;
            site.store.is_down.set(false);
        }
        Disaster::SqlSlow => {
            site.store.slow_us.set(random.below(4_000_000));
            last(site, lasts_ms).await;
            site.store.slow_us.set(0);
        }
        Disaster::ClockJump => {
            let jump_ms = i64::try_from(random.below(120_000)).unwrap_or_default() - 60_000;
            site.record_fault("clock_jump", None, site.world.now_ms());
            site.app_ahead_ms.set(jump_ms);
        }
        Disaster::Blackout => {
            site.record_fault("blackout", None, site.world.now_ms());
            site.kill_all();
        }
        Disaster::Poison => {
            site.record_fault("poison", Some(number), site.world.now_ms());
            poison(site, number);
        }
        // Nobody settles from contents that were lost and are not compared yet: no reader dies there.
        Disaster::Ghosts if !site.machines[number].has_lost.get() => {
            site.record_fault("ghosts", Some(number), site.world.now_ms());
            ghosts(site, number);
            // What comes next, somebody reads who dies as well: it is pending behind what is deleted.
            last(site, lasts_ms.min(2_000)).await;
            read_and_die(&mut site.machines[number].server.borrow_mut(), number);
        }
        Disaster::Lock => {
            site.record_fault("lock", None, site.world.now_ms());
            // Those who are in most runs.
            site.store.locked.replace(Some(format!("us_{}", random.below(4))));
            last(site, lasts_ms).await;
            site.store.locked.take();
        }
        _ => {}
    }
}

/// Waits for the disaster's end, or for the end of all disasters.
async fn last(site: &Rc<Site>, lasts_ms: u64) {
    let end_us = site.world.now_us() + lasts_ms * 1000;
    while site.world.now_us() < end_us && site.faults.is_on() {
        site.world.sleep_us((end_us - site.world.now_us()).min(500_000)).await;
    }
}

/// Takes the server away, and its contents with it.
async fn lose(site: &Rc<Site>, machine: &Machine, change: impl FnOnce(&mut Server)) {
    machine.reach.set(Reach::Down);
    last(site, site.world.random.below(2_000)).await;
    change(&mut machine.server.borrow_mut());
    machine.has_lost.set(true);
    machine.reach.set(Reach::Up);
}

fn restart(site: &Rc<Site>, number: usize) {
    let run_id = run_id(&site.world, number);
    site.machines[number].server.borrow_mut().restart(run_id);
}

/// Entries that are pending and deleted: more than drains drop in time, if each drops one.
fn ghosts(site: &Rc<Site>, number: usize) {
    let machine = &site.machines[number];
    let mut server = machine.server.borrow_mut();
    server.now_us = site.world.now_us() + machine.ahead_us;
    for _ in 0..600 {
        let words = [&*format!("hb:{{{number}}}:events"), "*", "e", "ghost"].map(bytes);
        let Ok(Reply::Bulk(id)) = server.execute("XADD", &words) else { break };
        read_and_die(&mut server, number);
        let _ = server.execute("XDEL", &[words[0].clone(), id]);
    }
}

/// Reads all that nobody has read yet, and never acknowledges it.
fn read_and_die(server: &mut Server, number: usize) {
    let events = format!("hb:{{{number}}}:events");
    let words = ["GROUP", "settlement", "ghost", "COUNT", "10000", "STREAMS", &events, ">"].map(bytes);
    // A server that has no group yet refuses it, and that is fine.
    let _ = server.execute("XREADGROUP", &words);
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// An entry that no script writes.
fn poison(site: &Rc<Site>, number: usize) {
    let texts = ["", "open", "open hb_0 1 2 us_1 5", "close hb_00000000000000000000000000 1 0 5", "恭喜"];
    let text = site.world.random.pick(&texts).as_bytes().to_vec();
    let machine = &site.machines[number];
    let mut server = machine.server.borrow_mut();
    server.now_us = site.world.now_us() + machine.ahead_us;
    let key = format!("hb:{{{number}}}:events").into_bytes();
    // A server that is full refuses it, and that is fine.
    let _ = server.execute("XADD", &[key, b"*".to_vec(), b"e".to_vec(), text]);
}
