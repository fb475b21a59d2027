//! The ledger on both databases: one suite of cases, and random histories after which both hold the same books.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that finds nothing has to fail")]

mod access;
mod authority;
mod backend;
mod funding;
mod history;
mod luck;
mod measure;
mod only_postgres;
mod operator;
mod postgres;
mod reading;
mod retention;
#[path = "../../../shared/core/tests/seeds/mod.rs"]
pub mod seeds;
mod setting;
mod settling;
mod sqlite;
mod steering;

use backend::{Backend, Kind, run};

/// Runs a case on a fresh database and checks its books afterwards.
fn on(kind: Kind, case: impl AsyncFnOnce(&Backend)) {
    run(async {
        let Some(backend) = Backend::fresh(kind).await else {
            eprintln!("skipped: PostgreSQL is not installed");
            return;
        };
        case(&backend).await;
        backend.check().await;
    });
}

macro_rules! on_both {
    ($($module:ident: $($case:ident)*;)*) => {
        mod on_sqlite {$($(
            #[test]
            fn $case() {
                super::on(super::Kind::Sqlite, super::$module::$case);
            }
        )*)*}

        mod on_postgres {$($(
            #[test]
            fn $case() {
                super::on(super::Kind::Postgres, super::$module::$case);
            }
        )*)*}
    };
}

on_both! {
    access:
        guesses_are_counted_for_each_person_and_packet
        of_many_guesses_at_once_no_more_than_the_free_ones_are_judged
        guesses_are_forgotten_with_their_packets
        the_ledger_knows_until_when_a_key_signed;
    funding:
        a_deposit_counts_once
        a_deposit_of_another_amount_or_user_conflicts
        an_empty_wallet_sends_nothing
        a_daily_limit_is_kept
        the_same_packet_twice_is_sent_once_with_the_first_seed
        a_wallet_never_sends_more_than_it_holds_at_once
        the_daily_limit_holds_at_once
        the_same_packet_five_times_at_once_is_sent_once;
    settling:
        a_packet_is_settled_in_order
        a_batch_again_changes_nothing
        a_close_waits_for_its_opens
        a_close_and_its_opens_in_one_batch_in_any_order
        a_refund_is_made_once
        a_share_for_two_is_an_exception
        two_shares_for_one_are_an_exception
        who_lost_a_share_may_have_another
        an_open_after_the_refund_finds_an_empty_escrow
        the_opens_beyond_the_close_are_those_that_came_last
        a_second_close_that_differs_is_an_exception
        what_is_unknown_or_unreadable_is_an_exception
        a_contradiction_stops_nobody_else
        a_batch_of_an_epoch_that_is_over_is_refused
        a_batch_read_from_an_earlier_server_process_is_refused
        lost_opens_are_given_up_on_record
        parallel_batches_over_the_same_wallets_settle_all
        what_somebody_has_locked_is_told;
    reading:
        a_statement_is_read_in_pages
        packets_are_listed_in_pages_and_summed
        a_groups_packets_are_listed_in_pages_with_the_readers_share
        overdue_and_unloaded_packets_are_found
        a_list_is_read_in_pages_of_a_shard
        a_key_is_made_once;
    authority:
        a_packet_without_a_shard_is_grabbed_and_opened_here
        a_packet_here_is_closed_and_refunded_here
        a_dead_shards_packets_move_here
        an_epoch_is_begun_by_one_caller;
    luck:
        the_best_luck_is_the_one_that_the_core_names
        the_odd_fen_go_to_the_first_to_grab_of_a_packet_that_was_sent_here;
    retention:
        a_packet_has_ended_when_all_is_settled_or_refunded
        the_mark_is_moved_by_one_and_nothing_ends_behind_it
        what_a_clock_ahead_has_noted_is_noted_again;
    operator:
        an_operators_deposit_counts_once
        the_world_gives_no_more_than_can_be_counted
        acts_at_once_are_one_chain
        the_audit_cannot_be_rewritten
        an_exception_is_compensated_once_from_suspense
        a_retry_resolves_only_what_it_settles
        a_frozen_packets_refund_waits_for_the_retry
        a_refund_gives_back_only_what_the_claims_left
        sound_books_are_found_sound
        exceptions_are_listed_in_pages_with_what_stands_in_the_way
        switches_and_the_blacklist_are_turned_once;
    steering:
        a_setting_is_set_once_and_every_change_is_an_act
        a_shard_is_given_up_by_an_act_under_its_next_epoch
        a_lease_of_a_clock_ahead_keeps_no_shard
        what_a_rule_saw_is_on_record_once
        packets_are_found_ahead_of_their_start_a_shard_at_a_time;
}
