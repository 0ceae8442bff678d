// The answer to a photo is the answer to a POST: the history would keep the photo, and Reload would offer to send it
// again, even after its owner has locked and left. Making the entry an ordinary one lets the browser forget it.

history.replaceState(null, "", location.href);
