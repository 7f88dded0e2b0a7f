// The User-Agent of every HTTP request to another system. Used by the clients of this folder.

/**
 * The user management API and the developer API respond 400 without one and bind sessions to it, so it never changes,
 * not even with the version.
 */
export const userAgent = 'swob';
