/** The panel's words in English. A further language is a file of this shape, loaded when needed. */

import type { LineState } from "../session/conversation.ts";
import type { Connection } from "../session/view.ts";

export interface Words {
  readonly title: string;
  readonly conversation: string;
  readonly message: string;
  readonly placeholder: string;
  readonly send: string;
  readonly close: string;
  readonly welcome: string;
  readonly welcomeText: string;
  readonly kept: string;
  readonly name: string;
  readonly namePlaceholder: string;
  readonly you: string;
  readonly staff: string;
  readonly notice: string;
  readonly typing: string;
  readonly earlier: string;
  readonly newest: string;
  readonly tryAgain: string;
  readonly continueHere: string;
  readonly state: Readonly<Record<LineState, string>>;
  readonly connection: Readonly<Record<Connection, string>>;
  readonly botAway: string;
  readonly unread: (count: number) => string;
  readonly failed: string;
}

export const en: Words = {
  title: "Chat",
  conversation: "Conversation",
  message: "Message",
  placeholder: "Write a message…",
  send: "Send",
  close: "Close",
  welcome: "Hello! How can we help?",
  welcomeText: "Write to us here. A person reads it and answers in this window.",
  kept: "Once you write, this browser remembers the conversation for 30 days.",
  name: "Your name",
  namePlaceholder: "Your name (optional)",
  you: "You",
  staff: "Staff",
  notice: "Note",
  typing: "Typing…",
  earlier: "Show earlier lines",
  newest: "Go to the newest line",
  tryAgain: "Try again",
  continueHere: "Continue here",
  state: {
    sending: "Sending…",
    stored: "Received",
    waiting: "Received. Nobody is signed on yet",
    taken: "Passed on to our staff",
    failed: "Not sent",
  },
  connection: {
    idle: "",
    connecting: "Connecting…",
    reconnecting: "Reconnecting…",
    online: "Connected",
    lost: "No connection. We keep trying; what you write is kept.",
    elsewhere: "This conversation goes on in another tab.",
  },
  botAway: "Our side is not connected. What you write is kept and goes out as soon as it is.",
  unread: (count) => (count === 1 ? "1 new answer" : `${count} new answers`),
  failed: "A message was not sent.",
};
