//! What of the catalogue no test calls, and why.

/// Operations by their reason. One that is called all the same, or that the description does not have, fails the run.
pub(crate) const NOT_CALLED: &[(&str, &[&str])] = &[
    (
        "In mailboxes of others as in one's own: a mail is made and then sent, and moved; a folder and an event are found in \
         the list of folders and in the view of the calendar; files of events are named, not fetched.",
        &[
            "GET /users/{user-id}/events",
            "GET /users/{user-id}/events/{event-id}/attachments",
            "GET /users/{user-id}/events/{event-id}/attachments/{attachment-id}/$value",
            "GET /users/{user-id}/mailFolders/{mailFolder-id}",
            "GET /users/{user-id}/messages/{message-id}/attachments/{attachment-id}",
            "POST /users/{user-id}/messages/{message-id}/copy",
            "POST /users/{user-id}/sendMail",
        ],
    ),
    (
        "Files in drives of others are read by id; only one's own are changed, and listed from the top.",
        &[
            "DELETE /drives/{drive-id}/items/{driveItem-id}",
            "DELETE /drives/{drive-id}/items/{driveItem-id}/permissions/{permission-id}",
            "DELETE /drives/{drive-id}/root:/{item-path}",
            "GET /drives/{drive-id}",
            "GET /drives/{drive-id}/items/{driveItem-id}/permissions",
            "GET /drives/{drive-id}/items/{driveItem-id}/versions",
            "GET /drives/{drive-id}/root",
            "GET /drives/{drive-id}/root/children",
            "GET /drives/{drive-id}/root/delta",
            "GET /drives/{drive-id}/root/search(q='{q}')",
            "GET /drives/{drive-id}/root:/{item-path}",
            "GET /drives/{drive-id}/root:/{item-path}:/children",
            "PATCH /drives/{drive-id}/items/{driveItem-id}",
            "POST /drives/{drive-id}/items/{driveItem-id}/children",
            "POST /drives/{drive-id}/items/{driveItem-id}/copy",
            "POST /drives/{drive-id}/items/{driveItem-id}/createLink",
            "POST /drives/{drive-id}/items/{driveItem-id}/createUploadSession",
            "POST /drives/{drive-id}/root/children",
            "POST /drives/{drive-id}/root:/{item-path}:/children",
            "POST /drives/{drive-id}/root:/{item-path}:/createUploadSession",
            "PUT /drives/{drive-id}/items/{driveItem-id}/content",
            "PUT /drives/{drive-id}/root:/{item-path}:/content",
        ],
    ),
    (
        "A file is looked at first, and then changed by its id, so that what happens is what was shown.",
        &["DELETE /me/drive/root:/{item-path}", "POST /me/drive/root:/{item-path}:/children"],
    ),
    ("`sharedWithMe` is deprecated; the search finds what is shared.", &["GET /me/drive/sharedWithMe"]),
    (
        "Notices and rules are no tools here.",
        &[
            "DELETE /me/mailFolders/{mailFolder-id}/messageRules/{messageRule-id}",
            "DELETE /subscriptions/{subscription-id}",
            "GET /me/mailFolders/{mailFolder-id}/messageRules",
            "PATCH /me/mailFolders/{mailFolder-id}/messageRules/{messageRule-id}",
            "PATCH /subscriptions/{subscription-id}",
            "POST /me/mailFolders/{mailFolder-id}/messageRules",
            "POST /subscriptions",
        ],
    ),
    (
        "A mail is made and then sent, so that it has an id; it is moved and not copied; its ids never change.",
        &["POST /me/messages/{message-id}/copy", "POST /me/sendMail", "POST /me/translateExchangeIds"],
    ),
    (
        "Tips on recipients, categories and zones by name are not asked for.",
        &[
            "GET /me/outlook/masterCategories",
            "GET /me/outlook/supportedTimeZones(TimeZoneStandard='{TimeZoneStandard}')",
            "POST /me/getMailTips",
        ],
    ),
    (
        "A folder is found in the list of folders, and an event in its calendar's view.",
        &["GET /me/events", "GET /me/mailFolders/{mailFolder-id}"],
    ),
    (
        "Files of events, pictures inside of chats and of notes are named, not fetched.",
        &[
            "GET /chats/{chat-id}/messages/{chatMessage-id}/hostedContents",
            "GET /chats/{chat-id}/messages/{chatMessage-id}/hostedContents/{chatMessageHostedContent-id}/$value",
            "GET /me/events/{event-id}/attachments",
            "GET /me/events/{event-id}/attachments/{attachment-id}/$value",
            "GET /me/onenote/resources/{onenoteResource-id}/content",
        ],
    ),
    (
        "Notebooks come with their sections and groups in one request; whole notebooks are made in OneNote.",
        &[
            "GET /me/onenote/notebooks/{notebook-id}/sectionGroups",
            "GET /me/onenote/notebooks/{notebook-id}/sections",
            "GET /me/onenote/pages/{onenotePage-id}/preview",
            "POST /me/onenote/notebooks",
        ],
    ),
    (
        "A channel is found in the list of its team; its folder is a folder of a site.",
        &[
            "GET /teams/{team-id}/channels/{channel-id}",
            "GET /teams/{team-id}/channels/{channel-id}/filesFolder",
        ],
    ),
    ("A person is found by a search.", &["GET /users/{user-id}"]),
    (
        "Ending a connection here leaves the person's other sessions at Microsoft alone.",
        &["POST /me/revokeSignInSessions"],
    ),
];
