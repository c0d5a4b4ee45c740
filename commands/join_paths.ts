/** Where machines that join ask for their place. */
export const workerJoinPath = "/chartroom/join/worker";
export const masterJoinPath = "/chartroom/join/master";
