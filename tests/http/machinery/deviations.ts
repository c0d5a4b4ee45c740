/** Steps of the recorded scenarios that are answered differently here, each with its reason. Key: scenario, step's number. */
export const deviations: Readonly<Record<string, Readonly<Record<number, string>>>> = {};
