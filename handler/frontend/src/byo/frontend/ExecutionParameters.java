package byo.frontend;

/** How a batch transform should call: a file that stands when the port is open, or none. */
final class ExecutionParameters {

    static final ExecutionParameters SERVER = new ExecutionParameters();

    private final WatchedFile file = new WatchedFile("execution-parameters.json");

    private ExecutionParameters() {}

    /** The JSON document, or null. */
    String document() {
        return file.content().text;
    }
}
