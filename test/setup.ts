/** Before each test file: machines are shared, and a test that waits for the kernel or a process may wait long. */
jest.setTimeout(60_000);
