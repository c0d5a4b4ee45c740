/** Where machines that join ask for their place. */
export const workerJoinPath = "/chartroom/join/worker";
export const masterJoinPath = "/chartroom/join/master";
/** Where a master that serves says which masters there are. */
export const serversPath = "/chartroom/servers";
