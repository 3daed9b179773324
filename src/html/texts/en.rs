//! English.

use super::{
    AccountTexts, AdminTexts, AppTexts, ConsentTexts, FaultText, FaultTexts, LandingTexts, ScopeTexts,
    ShellTexts, Texts, Words, both,
};

pub(in crate::html) const EN: Texts = Texts {
    shell: ShellTexts {
        slogan: "One door to Microsoft 365 for AI",
        language: "English",
        reference: "Reference for your administrator:",
        what_to_do: "What you can do",
        back: "Back to the app",
    },
    app: AppTexts {
        nameless: "An app without a name",
        unverified: "Not verified",
        unverified_hint: "The app chose this name itself (self-declared, not verified).",
        verified: "Verified address",
        configured: "Set up by your operator",
        new: "New here",
        new_hint: "This app registered here less than a day ago.",
    },
    consent: ConsentTexts {
        title: |name| format!("Allow {name} to use your Microsoft 365?"),
        lead: "It asks to act for you through this server. You decide.",
        app: "App",
        destination: "You will be sent to",
        service: "Service",
        account: "Account",
        account_later: "You choose it at Microsoft in the next step",
        can: "It will be able to",
        cannot: "It will not be able to",
        never_password: "See your password or your Microsoft sign-in",
        never_others: "See anything that you could not see yourself",
        device_title: "This app runs on your own device",
        device: "Any program on the device can ask like this. Allow it only if you started it yourself just now.",
        unsure: "If you did not ask for this, or do not know the address above, do not allow it.",
        approve: "Allow",
        deny: "Don’t allow",
        next: "Next, you sign in at Microsoft.",
        undo: "You can take this back at any time under “Connected apps”.",
    },
    scopes: ScopeTexts {
        profile: Words {
            can: "See who you are (name, address, photo)",
            cannot: "See who you are (name, address, photo)",
        },
        mail_basic: Words { can: "See your mail without bodies and attachments", cannot: "See your mail" },
        mail_read: Words { can: "Read your mail", cannot: "Read your mail" },
        mail_write: Words { can: "Read, change and delete your mail", cannot: "Change or delete your mail" },
        mail_send: Words { can: "Send mail as you", cannot: "Send mail as you" },
        mailbox_read: Words { can: "See your mailbox settings", cannot: "See your mailbox settings" },
        mailbox_write: Words {
            can: "See and change your mailbox settings",
            cannot: "Change your mailbox settings",
        },
        calendar_read: Words { can: "Read your calendars", cannot: "Read your calendars" },
        calendar_write: Words { can: "Read and change your calendars", cannot: "Change your calendars" },
        teams_list: Words { can: "See which teams you are in", cannot: "See which teams you are in" },
        channels_list: Words {
            can: "See the channels of your teams",
            cannot: "See the channels of your teams",
        },
        channel_read: Words {
            can: "Read the messages in your teams’ channels",
            cannot: "Read the messages in your teams’ channels",
        },
        channel_send: Words { can: "Post in channels as you", cannot: "Post in channels as you" },
        members: both("See who is in your teams and channels"),
        meetings: both("See your Teams meetings"),
        transcripts: both("Read the transcripts of your meetings"),
        rooms: both("See your organisation’s meeting rooms"),
        chat_basic: Words { can: "See your Teams chats without messages", cannot: "See your Teams chats" },
        chat_read: Words { can: "Read your Teams chats", cannot: "Read your Teams chats" },
        chat_write: Words { can: "Read and write your Teams chats", cannot: "Write in your Teams chats" },
        chat_create: Words { can: "Begin Teams chats as you", cannot: "Begin Teams chats as you" },
        chat_send: Words { can: "Send Teams messages as you", cannot: "Send Teams messages as you" },
        presence: Words { can: "See whether you are available", cannot: "See whether you are available" },
        notes_read: Words { can: "Read your OneNote notebooks", cannot: "Read your OneNote notebooks" },
        notes_create: Words {
            can: "Add pages to your OneNote notebooks",
            cannot: "Add pages to your OneNote notebooks",
        },
        notes_write: Words {
            can: "Read and change your OneNote notebooks",
            cannot: "Change your OneNote notebooks",
        },
        files_read: Words { can: "Read your OneDrive files", cannot: "Read your OneDrive files" },
        files_write: Words {
            can: "Read, change and delete your OneDrive files",
            cannot: "Change or delete your OneDrive files",
        },
        files_read_all: Words {
            can: "Read every file that you can open, also those of others",
            cannot: "Read files that others shared with you",
        },
        files_all: Words {
            can: "Read, change and delete every file that you can open",
            cannot: "Touch files that others shared with you",
        },
        people: Words { can: "See the people you work with", cannot: "See the people you work with" },
        directory: Words {
            can: "Look up the people of your organization",
            cannot: "Look up the people of your organization",
        },
        contacts: Words { can: "Read your contacts", cannot: "Read your contacts" },
        tasks_read: Words { can: "Read your tasks", cannot: "Read your tasks" },
        tasks_write: Words { can: "Read and change your tasks", cannot: "Change your tasks" },
        offline: Words {
            can: "Stay connected while you are away",
            cannot: "Stay connected while you are away",
        },
    },
    faults: FaultTexts {
        unknown_client: FaultText {
            title: "This app is not known here",
            text: "The app uses a registration that this server does not have, or has no longer. Nothing is wrong with your account.",
            steps: &[
                "In the app, remove this connection.",
                "Add it again with the same address; the app then registers anew.",
                "If that does not help, clear the app’s saved sign-in data and try once more.",
            ],
        },
        unusable_client: FaultText {
            title: "This app cannot be verified",
            text: "The app says who it is at an address of its own, and what is there cannot be used.",
            steps: &[
                "Try again in a minute.",
                "If it stays, tell the maker of the app what is written above.",
            ],
        },
        foreign_redirect: FaultText {
            title: "This address does not belong to the app",
            text: "The app asked to be answered at an address that it never registered. To keep your sign-in from reaching somebody else, it ends here.",
            steps: &[
                "Close this page if you did not start a sign-in yourself.",
                "Otherwise remove the connection in the app and add it again.",
            ],
        },
        malformed: FaultText {
            title: "This request cannot be understood",
            text: "The app sent a malformed request.",
            steps: &["Close this page.", "Go back to the app and connect it again."],
        },
        too_long: FaultText {
            title: "This request is too long",
            text: "The app sent more than a sign-in can need.",
            steps: &["Close this page.", "Go back to the app and connect it again."],
        },
        expired: FaultText {
            title: "This sign-in is over",
            text: "It is unknown, was finished already, or waited for longer than ten minutes.",
            steps: &["Close this page.", "Go back to the app and connect it again."],
        },
        other_browser: FaultText {
            title: "This sign-in was begun elsewhere",
            text: "Another browser began it, or cookies are switched off. For your safety it ends here.",
            steps: &[
                "If you got here by a link that somebody sent you, close this page.",
                "Otherwise allow cookies for this site, go back to the app and connect it again.",
            ],
        },
        foreign_form: FaultText {
            title: "This form does not come from here",
            text: "The decision was not made on our page, so it does not count. Nothing was changed.",
            steps: &["Close this page.", "Go back and try once more."],
        },
        unavailable: FaultText {
            title: "Sign-in does not work for the moment",
            text: "Microsoft’s sign-in or our own storage cannot be reached. Nothing is lost; apps that are connected stay connected.",
            steps: &[
                "Wait a few seconds and load this page again.",
                "If it goes on, tell your administrator.",
            ],
        },
        too_many: FaultText {
            title: "Too many sign-ins",
            text: "Too many sign-ins were begun from your network in a short time.",
            steps: &["Wait a minute and try again."],
        },
        declined: FaultText {
            title: "You declined at Microsoft",
            text: "The sign-in was cancelled at Microsoft, so the app got no access.",
            steps: &["If that was a mistake, go back to the app and connect it again."],
        },
        consent_missing: FaultText {
            title: "Microsoft still needs your approval",
            text: "The permissions were not approved at Microsoft, so the app got no access.",
            steps: &["Go back to the app, connect it again and accept the permissions that Microsoft shows."],
        },
        step_missing: FaultText {
            title: "Microsoft asks for another step",
            text: "Your organisation wants one more sign-in step, such as a second factor or a managed device.",
            steps: &[
                "Go back to the app and connect it again; Microsoft will lead you through the step.",
                "If Microsoft refuses this device or place, ask your administrator.",
            ],
        },
        not_allowed: FaultText {
            title: "Microsoft does not let this account in",
            text: "The account is blocked, is not assigned to this server, or belongs to an organisation that may not use it.",
            steps: &[
                "Go back to the app, connect it again and choose another account.",
                "If this is the right account, ask your administrator to assign it.",
            ],
        },
        not_admitted: FaultText {
            title: "This account may not use this server",
            text: "You signed in at Microsoft, but the operator of this server admits other accounts only.",
            steps: &[
                "Go back to the app, connect it again and choose your work account.",
                "If this is the right account, ask the operator to admit it.",
            ],
        },
        unverified: FaultText {
            title: "The sign-in could not be verified",
            text: "What came back from Microsoft did not hold up to our checks. No access was given.",
            steps: &[
                "Go back to the app and connect it again.",
                "If it happens again, tell your administrator.",
            ],
        },
        misconfigured: FaultText {
            title: "This server is not set up rightly",
            text: "Microsoft does not accept this server’s own registration. Only its operator can mend that; you keep every connection you have.",
            steps: &["Tell your administrator, with the time and the address of this page."],
        },
    },
    admin: AdminTexts {
        title: "Your administrator has to approve first",
        text: "In your organisation only administrators may approve these permissions. One approval is enough for everybody.",
        permissions: "Permissions to approve",
        message_title: "Send this to your administrator",
        message_hint: "Message",
        message: |server, scopes, link| {
            format!(
                "Hello,\n\nI would like to use the app “Entrada” ({server}) with my Microsoft 365 account. It needs your approval \
                 for these delegated permissions:\n\n{scopes}\n\nPlease open this link as an administrator and accept:\n{link}\n\nThank you."
            )
        },
        subject: "Approval for Entrada",
        mail: "Write an e-mail",
        link: "Approval link",
        i_am_admin: "I am an administrator: approve now",
        retry_title: "Approved meanwhile?",
        retry: "Try again",
        granted_title: "Approved for your organisation",
        granted: "Everybody in your organisation can connect their apps now. You may close this page.",
    },
    account: AccountTexts {
        title: "Connected apps",
        lead: "These apps act for you through this server. Disconnect what you no longer use; it takes effect at once.",
        signed_in_as: "Signed in as",
        sign_out: "Sign out",
        signed_out_title: "You are signed out",
        signed_out: "This page no longer knows who you are. Your apps stay connected.",
        sign_in_again: "Sign in again",
        none_title: "No app is connected",
        none: "When you allow an app to use your Microsoft 365, it appears here.",
        none_link: "How to connect one",
        connected: "Connected",
        last_used: "Last used",
        key_bound: "its tokens are bound to a key of the app",
        can: "It can",
        revoke: "Disconnect",
        revoke_label: |app, service| format!("Disconnect {app} from {service}"),
        revoke_all: "Disconnect every app",
        revoke_all_hint: "Each of them has to ask you again before it can do anything.",
        revoke_all_button: "Yes, disconnect all",
        revoked: "Disconnected. Its access has ended.",
        failed_title: "Nothing was changed",
        failed: "The page was too old, or the request did not come from it. Please try once more.",
        moment: "%-d %b %Y, %H:%M UTC",
    },
    landing: LandingTexts {
        title: "Your Microsoft 365, in your AI",
        lead: "Add one of these addresses to your AI app. It asks you to sign in with Microsoft; you decide what it may do.",
        account: "Your connected apps",
        services: "Services",
        connect: "Connect your app",
        connect_hint: "The examples use the first service; any other address works the same way.",
        hosted: "Settings → Connectors → Add custom connector, and paste the address:",
        others: "Any other MCP client",
        others_hint: "Give it the address and nothing else: it finds the sign-in by itself (MCP 2024-11-05 to 2026-07-28).",
        privacy_title: "What stays yours",
        privacy: &[
            "An app sees only what you can see, and only what you allowed.",
            "Microsoft’s tokens never leave this server, and are stored encrypted.",
            "You can disconnect any app at any time, with effect at once.",
        ],
    },
};
