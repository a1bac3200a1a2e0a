"""Files in from devices and out to servers, over SSH; knows nothing of the store."""
