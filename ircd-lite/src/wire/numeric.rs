//! The numerics that are sent, with ircd-ratbox's texts. Names as in RFC 2812 and in that daemon.

/// A three-digit reply and its usual text; the text is empty where each reply has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numeric {
    /// `001` … `999`.
    pub code: &'static str,
    /// The last parameter.
    pub text: &'static str,
}

macro_rules! numerics {
    ($($name:ident = $code:literal $text:literal;)*) => {
        $(#[doc = concat!($code, " ", $text)] pub(crate) const $name: Numeric = Numeric { code: $code, text: $text };)*
    };
}

numerics! {
    RPL_WELCOME = "001" "";
    RPL_YOURHOST = "002" "";
    RPL_CREATED = "003" "";
    RPL_MYINFO = "004" "";
    RPL_ISUPPORT = "005" "are supported by this server";
    RPL_MAP = "015" "";
    RPL_MAPEND = "017" "End of /MAP";
    RPL_STATSLINKINFO = "211" "";
    RPL_ENDOFSTATS = "219" "End of /STATS report";
    RPL_UMODEIS = "221" "";
    RPL_STATSUPTIME = "242" "";
    RPL_STATSDEBUG = "249" "";
    RPL_STATSCONN = "250" "";
    RPL_LUSERCLIENT = "251" "";
    RPL_LUSEROP = "252" "IRC Operators online";
    RPL_LUSERUNKNOWN = "253" "unknown connection(s)";
    RPL_LUSERCHANNELS = "254" "channels formed";
    RPL_LUSERME = "255" "";
    RPL_ADMINME = "256" "";
    RPL_ADMINLOC1 = "257" "";
    RPL_ADMINLOC2 = "258" "";
    RPL_ADMINEMAIL = "259" "";
    RPL_LOCALUSERS = "265" "";
    RPL_GLOBALUSERS = "266" "";
    RPL_LOAD2HI = "263" "Server load is temporarily too heavy. Please wait a while and try again.";
    RPL_ACCEPTLIST = "281" "";
    RPL_ENDOFACCEPT = "282" "End of /ACCEPT list.";
    RPL_AWAY = "301" "";
    RPL_USERHOST = "302" "";
    RPL_ISON = "303" "";
    RPL_UNAWAY = "305" "You are no longer marked as being away";
    RPL_NOWAWAY = "306" "You have been marked as being away";
    RPL_WHOISUSER = "311" "";
    RPL_WHOISSERVER = "312" "";
    RPL_WHOISOPERATOR = "313" "is an IRC operator";
    RPL_WHOWASUSER = "314" "";
    RPL_ENDOFWHO = "315" "End of /WHO list.";
    RPL_WHOISIDLE = "317" "seconds idle, signon time";
    RPL_ENDOFWHOIS = "318" "End of /WHOIS list.";
    RPL_WHOISCHANNELS = "319" "";
    RPL_WHOISSPECIAL = "320" "is its connection";
    RPL_LISTSTART = "321" "Users  Name";
    RPL_LIST = "322" "";
    RPL_LISTEND = "323" "End of /LIST";
    RPL_CHANNELMODEIS = "324" "";
    RPL_CREATIONTIME = "329" "";
    RPL_WHOISLOGGEDIN = "330" "is logged in as";
    RPL_NOTOPIC = "331" "No topic is set.";
    RPL_TOPIC = "332" "";
    RPL_TOPICWHOTIME = "333" "";
    RPL_WHOISACTUALLY = "338" "actually using host";
    RPL_INVITING = "341" "";
    RPL_INVEXLIST = "346" "";
    RPL_ENDOFINVEXLIST = "347" "End of Channel Invite List";
    RPL_EXCEPTLIST = "348" "";
    RPL_ENDOFEXCEPTLIST = "349" "End of Channel Exception List";
    RPL_VERSION = "351" "";
    RPL_WHOREPLY = "352" "";
    RPL_NAMREPLY = "353" "";
    RPL_WHOSPCRPL = "354" "";
    RPL_LINKS = "364" "";
    RPL_ENDOFLINKS = "365" "End of /LINKS list.";
    RPL_ENDOFNAMES = "366" "End of /NAMES list.";
    RPL_BANLIST = "367" "";
    RPL_ENDOFBANLIST = "368" "End of Channel Ban List";
    RPL_ENDOFWHOWAS = "369" "End of WHOWAS";
    RPL_INFO = "371" "";
    RPL_MOTD = "372" "";
    RPL_ENDOFINFO = "374" "End of /INFO list.";
    RPL_MOTDSTART = "375" "";
    RPL_ENDOFMOTD = "376" "End of /MOTD command.";
    RPL_YOUREOPER = "381" "You have entered... the PANTS FREE ZONE!";
    RPL_REHASHING = "382" "Rehashing";
    RPL_TIME = "391" "";
    ERR_NOSUCHNICK = "401" "No such nick/channel";
    ERR_NOSUCHSERVER = "402" "No such server";
    ERR_NOSUCHCHANNEL = "403" "No such channel";
    ERR_CANNOTSENDTOCHAN = "404" "Cannot send to channel";
    ERR_TOOMANYCHANNELS = "405" "You have joined too many channels";
    ERR_WASNOSUCHNICK = "406" "There was no such nickname";
    ERR_TOOMANYTARGETS = "407" "Too many recipients.";
    ERR_INVALIDCAPCMD = "410" "Invalid CAP subcommand";
    ERR_NORECIPIENT = "411" "";
    ERR_NOTEXTTOSEND = "412" "No text to send";
    ERR_TOOMANYMATCHES = "416" "output too large, truncated";
    ERR_INPUTTOOLONG = "417" "Input line was too long";
    ERR_UNKNOWNCOMMAND = "421" "Unknown command";
    ERR_NOMOTD = "422" "MOTD File is missing";
    ERR_NONICKNAMEGIVEN = "431" "No nickname given";
    ERR_ERRONEUSNICKNAME = "432" "Erroneous Nickname";
    ERR_NICKNAMEINUSE = "433" "Nickname is already in use.";
    ERR_NICKTOOFAST = "438" "Nick change too fast. Please wait 20 seconds.";
    ERR_USERNOTINCHANNEL = "441" "They aren't on that channel";
    ERR_NOTONCHANNEL = "442" "You're not on that channel";
    ERR_USERONCHANNEL = "443" "is already on channel";
    ERR_NOTREGISTERED = "451" "You have not registered";
    ERR_ACCEPTFULL = "456" "Accept list is full";
    ERR_ACCEPTEXIST = "457" "is already on your accept list";
    ERR_ACCEPTNOT = "458" "is not on your accept list";
    ERR_NEEDMOREPARAMS = "461" "Not enough parameters";
    ERR_ALREADYREGISTRED = "462" "You may not reregister";
    ERR_PASSWDMISMATCH = "464" "Password Incorrect";
    ERR_YOUREBANNEDCREEP = "465" "";
    ERR_CHANNELISFULL = "471" "Cannot join channel (+l)";
    ERR_UNKNOWNMODE = "472" "is unknown mode char to me";
    ERR_INVITEONLYCHAN = "473" "Cannot join channel (+i)";
    ERR_BANNEDFROMCHAN = "474" "Cannot join channel (+b)";
    ERR_BADCHANNELKEY = "475" "Cannot join channel (+k)";
    ERR_BANLISTFULL = "478" "Channel ban list is full";
    ERR_BADCHANNAME = "479" "Illegal channel name";
    ERR_SSLONLYCHAN = "480" "Cannot join channel (+S) - SSL/TLS required";
    ERR_NOPRIVILEGES = "481" "Permission Denied - You're not an IRC operator";
    ERR_CHANOPRIVSNEEDED = "482" "You're not channel operator";
    ERR_NOOPERHOST = "491" "Only few of mere mortals may try to enter the twilight zone";
    ERR_UMODEUNKNOWNFLAG = "501" "Unknown MODE flag";
    ERR_USERSDONTMATCH = "502" "Can't change mode for other users";
    ERR_HELPNOTFOUND = "524" "Help not found";
    RPL_WHOISSECURE = "671" "is using a secure connection";
    RPL_HELPSTART = "704" "";
    RPL_HELPTXT = "705" "";
    RPL_ENDOFHELP = "706" "End of /HELP.";
    ERR_TARGCHANGE = "707" "Targets changing too fast, message dropped";
    RPL_KNOCK = "710" "has asked for an invite.";
    RPL_KNOCKDLVR = "711" "Your KNOCK has been delivered.";
    ERR_TOOMANYKNOCK = "712" "";
    ERR_CHANOPEN = "713" "Channel is open.";
    ERR_KNOCKONCHAN = "714" "You are already on that channel.";
    ERR_TARGUMODEG = "716" "is in +g mode (server-side ignore.)";
    RPL_TARGNOTIFY = "717" "has been informed that you messaged them.";
    RPL_UMODEGMSG = "718" "is messaging you, and you have umode +g.";
    ERR_NOPRIVS = "723" "Insufficient oper privs";
    RPL_MONONLINE = "730" "";
    RPL_MONOFFLINE = "731" "";
    RPL_MONLIST = "732" "";
    RPL_ENDOFMONLIST = "733" "End of MONITOR list";
    ERR_MONLISTFULL = "734" "Monitor list is full";
    RPL_LOGGEDIN = "900" "";
    RPL_SASLSUCCESS = "903" "SASL authentication successful";
    ERR_SASLFAIL = "904" "SASL authentication failed";
    ERR_SASLTOOLONG = "905" "SASL message too long";
    ERR_SASLABORTED = "906" "SASL authentication aborted";
    ERR_SASLALREADY = "907" "You have already authenticated using SASL";
    RPL_SASLMECHS = "908" "are available SASL mechanisms";
}
