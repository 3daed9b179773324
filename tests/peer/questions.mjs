// What people ask of their mail, and how each server is asked: Entrada as its descriptions say; the peer once as a model
// that only filters would, and once with the `select` that its own hints recommend.
const FIELDS = 'id,subject,from,receivedDateTime,isRead,hasAttachments,bodyPreview';
const day = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
const since = (days) => `receivedDateTime ge ${day(days)}T00:00:00Z`;
const newest = 'receivedDateTime desc';

/** `ids`: one message, as each server names it, and who sent it. */
export const QUESTIONS = [
  {
    what: 'The 25 newest messages',
    ours: ['query_email', { limit: 25, days_back: 3650 }],
    peer: ['list-mail-messages', { top: 25, orderby: newest }],
  },
  {
    what: 'Unread of the last 30 days, up to 25',
    ours: ['query_email', { unread_only: true, days_back: 30, limit: 25 }],
    peer: ['list-mail-messages', { filter: `${since(30)} and isRead eq false`, orderby: newest, top: 25 }],
  },
  {
    what: 'From one sender in a year, up to 25',
    ours: ({ sender }) => ['query_email', { sender_address: sender, days_back: 365, limit: 25 }],
    peer: ({ sender }) => ['list-mail-messages', { filter: `${since(365)} and from/emailAddress/address eq '${sender}'`, orderby: newest, top: 25 }],
  },
  {
    what: 'About “crane”, up to 25',
    ours: ['query_email', { keyword: 'crane', days_back: 3650, limit: 25 }],
    peer: ['list-mail-messages', { search: '"crane"', top: 25 }],
  },
  {
    // Ours goes down to the folders inside folders; the peer's one call does not.
    what: 'All folders with their counts',
    ours: ['list_mail_folders', {}],
    peer: ['list-mail-folders', { top: 100 }],
    fields: 'id,displayName,totalItemCount,unreadItemCount,childFolderCount',
  },
  {
    what: 'One message with its text',
    ours: (ids) => ['get_email', { id: ids.message }],
    peer: (ids) => ['get-mail-message', { messageId: ids.theirs }],
    fields: 'id,subject,from,toRecipients,receivedDateTime,body',
  },
];

/** The peer's call with the fields that answer the question and no others. */
export const selected = (question, [tool, args]) => [tool, { ...args, select: question.fields ?? FIELDS }];
