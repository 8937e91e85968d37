package byo.frontend;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.UnknownHostException;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.status.StatusConsoleListener;
import org.apache.logging.log4j.status.StatusData;
import org.apache.logging.log4j.status.StatusLogger;

/** Has log4j begin without two complaints that concern nobody; whatever else it says is shown. */
final class QuietLog {

    private static final String LOCATOR = "org.apache.logging.log4j.util.StackLocator";

    private QuietLog() {}

    /** To be called before anything logs. */
    static void begin() {
        StatusLogger.getLogger().registerListener(new Complaints());
        loadLocator();
    }

    /**
     * Loads the class that finds out who logs, which prints that it is slow on this version of
     * Java; no logger here asks it more than once.
     */
    private static void loadLocator() {
        PrintStream out = System.out;
        System.setOut(new PrintStream(new ByteArrayOutputStream()));
        try {
            Class.forName(LOCATOR);
        } catch (ClassNotFoundException error) {
            // Another version of log4j, which finds it out otherwise.
        } finally {
            System.setOut(out);
        }
    }

    /**
     * What log4j says of itself. It looks for the machine's name, which nothing here needs, and
     * which has no address where there is no network.
     */
    private static final class Complaints extends StatusConsoleListener {

        Complaints() {
            super(Level.ERROR);
        }

        @Override
        public void log(StatusData data) {
            if (!(data.getThrowable() instanceof UnknownHostException)) {
                super.log(data);
            }
        }
    }
}
