//! One suite for every store: what the port promises, asked of each backend. `backends.rs` names the backends, the
//! other files hold the cases, generic over the store.

mod backends;
mod clients;
mod events;
mod fleets;
mod flows;
mod forms;
mod grants;
mod histories;
mod inventory;
mod lending;
mod races;
#[expect(dead_code, reason = "shared with the tests over the running binary, which use all of it")]
#[path = "../../../tests/it/support/redis_forms/mod.rs"]
mod redis_forms;
mod redis_server;
mod resealing;
mod rotation;
mod samples;
mod shared;
mod stand_in;
mod users;

use crate::ports::store::Store;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// A backend under test.
#[async_trait]
trait Backend: Send + Sync {
    /// A store object; a further one is another replica's, where the backend knows replicas.
    fn store(&self) -> Arc<dyn Store>;
    /// Lets `by` pass for everything that is stored.
    async fn travel(&self, by: Duration);
    /// Everything that a thief of the store would hold, as bytes.
    async fn dump(&self) -> Vec<u8>;
}

/// Makes one test per case and backend, and one of all cases for what is started once.
macro_rules! suite {
    ($($file:ident: $($case:ident),+;)+) => {
        suite!(@backend memory: $($file: $($case),+;)+);
        suite!(@backend file: $($file: $($case),+;)+);
        suite!(@backend redis: $($file: $($case),+;)+);
        // Sets of servers that take long to start: one for all cases, emptied before each.
        suite!(@fleet guarded: $($file: $($case),+;)+);
        suite!(@fleet sentinel: $($file: $($case),+;)+);
        suite!(@fleet cluster: $($file: $($case),+;)+);
    };
    (@fleet $fleet:ident: $($file:ident: $($case:ident),+;)+) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $fleet() {
            let Some(fleet) = crate::adapters::conformance::fleets::$fleet().await else { return };
            $($(
                println!("{}: {}::{}", stringify!($fleet), stringify!($file), stringify!($case));
                fleet.clear().await;
                Box::pin(crate::adapters::conformance::$file::$case(&fleet)).await;
            )+)+
        }
    };
    (@backend $backend:ident: $($file:ident: $($case:ident),+;)+) => {
        mod $backend {
            $(mod $file { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    if let Some(backend) = crate::adapters::conformance::backends::$backend().await {
                        crate::adapters::conformance::$file::$case(&*backend).await;
                    }
                }
            )+ })+
        }
    };
}

suite! {
    clients: stored_and_absent, public_ones_fold, confidential_ones_never_fold, touching_never_shortens, deleted, replacing_keeps_the_life,
        parallel_registrations_fold_into_one;
    flows: stored_and_absent, decision_is_settled_once, state_is_taken_once, consent_is_per_user;
    grants: code_is_redeemed_once, expired_code_is_unknown, bearer_lives_until_it_expires, bearer_is_revoked_alone,
        revoked_grant_takes_nothing_more, replay_is_known_after_revocation, a_grant_dies_alone, the_last_grant_takes_the_tokens_of_its_user,
        a_user_sees_their_own_live_grants, a_use_is_noted_while_the_grant_lives;
    histories: every_history_follows_the_model;
    rotation: successor_is_live, repeated_rotation_gets_the_same_answer, revoked_or_expired_is_unknown,
        older_generations_are_known;
    races: fifty_redemptions, fifty_rotations, fifty_takes, fifty_settlements, fifty_swaps, fifty_leases,
        issue_against_revocation, replicas_interleaved;
    users: upstream_is_swapped, forgotten_upstream_keeps_counting, a_newer_sign_in_is_not_forgotten, sessions_slide_and_end, a_crowd_sheds_who_was_not_used_for_longest, handles_answer_their_user,
        leases_are_exclusive, a_dump_holds_no_secret;
    shared: a_budget_is_used_up_and_refills, budgets_hold_across_replicas, budgets_follow_the_arithmetic, common_records_are_swapped, a_value_is_spent_once,
        a_trace_keeps_its_newest_steps;
    lending: places_are_shared, more_parties_than_places_take_turns, a_lease_ends, units_are_lent_in_chunks, a_pause_is_told_to_all,
        two_replicas_never_hold_more_than_there_is;
    inventory: every_client_is_met, every_live_grant_and_its_user_is_met, every_session_is_met_and_not_kept_alive,
        a_foreign_cursor_is_none;
    resealing: records_move_to_the_active_key, a_sweep_overwrites_nobody;
    events: a_log_is_read_from_any_cursor, a_log_is_bounded, a_log_ends_with_its_session, the_newest_claim_stands,
        a_finished_log_says_so, numbers_are_never_given_out_twice, the_bus_reaches_every_listener, fifty_appends;
}
