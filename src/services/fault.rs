//! Graph failures as tool failures: what happened, and what to do next.

use crate::domain::scope::ScopeSet;
use crate::graph::error::{Fault, GraphError};
use crate::ports::tokens::TokenError;
use crate::tools::error::{ToolError, ToolErrorKind};
use std::time::Duration;

/// Maps a failure of a tool that needs `scopes`.
pub(super) fn tool_error(error: GraphError, scopes: &[&'static str]) -> ToolError {
    match error {
        GraphError::Token(TokenError::SignInRequired) | GraphError::Challenged { .. } => sign_in(),
        GraphError::Token(TokenError::Unavailable { retry_after }) => ToolError::new(
            ToolErrorKind::UpstreamUnavailable { retry_after: Some(retry_after) },
            "Microsoft sign-in is unavailable for the moment; the login is kept. Please try again shortly.",
        ),
        GraphError::Throttled { retry_after, request_id } => {
            let seconds = retry_after.as_secs_f64().ceil();
            let text =
                format!("Microsoft 365 limits requests to this mailbox. Try again in {seconds} seconds.");
            with_id(ToolError::new(ToolErrorKind::RateLimited { retry_after }, text), request_id)
        }
        GraphError::Refused { fault, status, code, message, request_id } => {
            with_id(refused(fault, status, code, &message, scopes), request_id)
        }
        GraphError::Unavailable { reason, retry_after, request_id } => with_id(
            ToolError::new(
                ToolErrorKind::UpstreamUnavailable { retry_after },
                "Microsoft 365 is unavailable for the moment. Please try again shortly.",
            )
            .with_source(reason),
            request_id,
        ),
        GraphError::TimedOut => ToolError::new(
            ToolErrorKind::Timeout,
            "Microsoft 365 took too long to answer. Ask for a shorter period or fewer items.",
        ),
        GraphError::OutcomeUnknown { reason, request_id } => with_id(
            ToolError::new(
                ToolErrorKind::UpstreamRejected { code: "unknown_outcome".to_owned(), status: 504 },
                "Microsoft 365 did not say whether this was done. Look whether it was before trying again.",
            )
            .with_source(reason),
            request_id,
        ),
        GraphError::TooLarge { limit } => ToolError::new(
            ToolErrorKind::UpstreamRejected { code: "too_large".to_owned(), status: 413 },
            format!(
                "This is larger than the {} MB that are read here. Open it in Outlook instead.",
                limit >> 20
            ),
        ),
        GraphError::ForeignLink => ToolError::internal("a next link of a foreign host"),
        GraphError::Cut => ToolError::new(
            ToolErrorKind::UpstreamRejected { code: "cut_off".to_owned(), status: 400 },
            "The file did not arrive whole. Send it again.",
        ),
        GraphError::Malformed(reason) => ToolError::new(
            ToolErrorKind::UpstreamUnavailable { retry_after: Some(Duration::from_secs(5)) },
            "Microsoft 365 sent an answer that cannot be read. Please try again.",
        )
        .with_source(reason),
    }
}

fn sign_in() -> ToolError {
    ToolError::new(
        ToolErrorKind::SignInRequired,
        "The Microsoft sign-in has ended. Connect this server again to sign in.",
    )
}

fn with_id(mut error: ToolError, request_id: Option<String>) -> ToolError {
    error.request_id = request_id;
    error
}

fn refused(fault: Fault, status: u16, code: String, message: &str, scopes: &[&'static str]) -> ToolError {
    let source = format!("Graph {status} {code}");
    let rejected = || ToolErrorKind::UpstreamRejected { code: code.clone(), status };
    let mailbox = || ToolErrorKind::MailboxUnavailable { code: code.clone(), status };
    let error = match fault {
        Fault::AuthExpired | Fault::StepUpRequired => sign_in(),
        Fault::MissingPermission => {
            let required: ScopeSet = scopes.iter().copied().collect();
            let text = format!(
                "Microsoft 365 refused access. This needs the permission {required}: connect again and approve it. \
                 If Microsoft then asks for an administrator, one has to approve this application."
            );
            ToolError::new(rejected(), text)
        }
        Fault::MailboxUnavailable => ToolError::new(
            mailbox(),
            "There is no such mailbox in Exchange Online: the address is unknown, or the account has none (none licensed, \
             or it is on-premises).",
        ),
        Fault::MailboxDenied => ToolError::new(
            mailbox(),
            "This mailbox or calendar does not open to the signed-in user, or not for this. Its owner shares a calendar, \
             and an administrator gives access to a mailbox; nothing was done.",
        ),
        Fault::SendDenied => ToolError::new(
            mailbox(),
            "The signed-in user may not send from this mailbox. An administrator gives the right to send as it, or on \
             behalf of it.",
        ),
        Fault::OtherMailbox => ToolError::new(
            ToolErrorKind::NotFound,
            "There is no such item in this mailbox: the id is of another mailbox. Pass ids as they were given, which lead to \
             theirs, or name it with `mailbox`.",
        ),
        Fault::NotFound => ToolError::new(
            ToolErrorKind::NotFound,
            "There is no such item in this mailbox. List again and use an id from that list, unchanged.",
        ),
        Fault::InternalQuery => ToolError::new(
            rejected(),
            "Microsoft 365 did not accept this combination of filters. Use fewer of them.",
        ),
        Fault::Conflict => {
            ToolError::new(rejected(), "The item was changed meanwhile. Read it again and repeat.")
        }
        Fault::Restart => {
            ToolError::invalid("cursor", "This cursor has expired. Repeat the search without `cursor`.")
        }
        Fault::TooLarge => ToolError::new(rejected(), "Microsoft 365 says this is too large."),
        Fault::Quota => ToolError::new(rejected(), "The mailbox or drive is full."),
        Fault::Locked => ToolError::new(rejected(), "The item is locked by somebody. Try again later."),
        Fault::Refused if message.is_empty() => {
            ToolError::new(rejected(), format!("Microsoft 365 refused this request ({code})."))
        }
        Fault::Refused => {
            ToolError::new(rejected(), format!("Microsoft 365 refused this request ({code}): {message}"))
        }
    };
    error.with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(fault: Fault) -> GraphError {
        let message = "about Secret Subject".to_owned();
        GraphError::Refused {
            fault,
            status: 400,
            code: "Code".to_owned(),
            message,
            request_id: Some("r".to_owned()),
        }
    }

    #[test]
    fn each_fault_says_what_to_do_and_logs_no_contents() {
        for (fault, code) in [
            (Fault::AuthExpired, "auth_expired"),
            (Fault::StepUpRequired, "auth_expired"),
            (Fault::MissingPermission, "graph_rejected"),
            (Fault::MailboxUnavailable, "mailbox_unavailable"),
            (Fault::MailboxDenied, "mailbox_unavailable"),
            (Fault::SendDenied, "mailbox_unavailable"),
            (Fault::OtherMailbox, "not_found"),
            (Fault::NotFound, "not_found"),
            (Fault::InternalQuery, "graph_rejected"),
            (Fault::Restart, "invalid_input"),
            (Fault::Refused, "graph_rejected"),
        ] {
            let error = tool_error(refusal(fault), &["Mail.Read"]);
            assert_eq!((error.code(), error.request_id.as_deref()), (code, Some("r")), "{fault:?}");
            assert!(!error.source.unwrap().contains("Secret"), "{fault:?}");
        }
        assert!(tool_error(refusal(Fault::MissingPermission), &["Mail.Read"]).public.contains("Mail.Read"));
    }

    #[test]
    fn waits_are_told() {
        let error = tool_error(
            GraphError::Throttled { retry_after: Duration::from_millis(1500), request_id: None },
            &[],
        );
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1500)));
        assert!(error.public.contains("2 seconds"));
    }
}
