package byo.frontend;

import com.amazonaws.ml.mms.ModelServer;
import com.amazonaws.ml.mms.servingsdk.impl.PluginsManager;
import com.amazonaws.ml.mms.util.ConfigManager;
import com.amazonaws.ml.mms.util.Connector;
import com.amazonaws.ml.mms.util.ConnectorType;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.Slf4JLoggerFactory;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.ParseException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * multi-model-server's frontend, with a guard in front of it on every connection.
 *
 * <p>Started in place of the frontend's own main class, whose name is the first argument (so that
 * the process is found by it); the others are the frontend's.
 */
public final class GuardedServer extends ModelServer {

    private GuardedServer(ConfigManager configuration) {
        super(configuration);
    }

    public static void main(String[] arguments) {
        QuietLog.begin();
        try {
            ConfigManager.init(parse(Arrays.copyOfRange(arguments, 1, arguments.length)));
            PluginsManager.getInstance().initialize();
            InternalLoggerFactory.setDefaultFactory(Slf4JLoggerFactory.INSTANCE);
            Runtime.getRuntime().addShutdownHook(Drain.SERVER);
            Reconnects.begin();
            EndedLaunches.begin();
            LostInvocations.begin();
            HeapReturn.begin();
            MemoryKills.begin();
            new GuardedServer(ConfigManager.getInstance()).startAndWait();
        } catch (IllegalArgumentException | ParseException error) {
            log().error("the frontend's configuration is invalid: {}", error.getMessage());
        } catch (Throwable error) {
            log().error("the frontend can't go on", error);
        } finally {
            System.exit(1); // as the frontend's own main does: it is to end by a signal
        }
    }

    /** Not as a field: the log begins quietly only in `main`. */
    private static Logger log() {
        return LoggerFactory.getLogger("frontend");
    }

    private static ConfigManager.Arguments parse(String[] arguments) throws ParseException {
        return new ConfigManager.Arguments(
                new DefaultParser()
                        .parse(ConfigManager.Arguments.getOptions(), arguments, null, false));
    }

    @Override
    public ChannelFuture initializeServer(
            Connector connector, EventLoopGroup accepting, EventLoopGroup serving, ConnectorType type)
            throws InterruptedException, IOException, GeneralSecurityException {
        ChannelFuture closed = super.initializeServer(connector, accepting, guarding(serving), type);
        Drain.SERVER.opened(closed.channel());
        return unlessDraining(closed);
    }

    /**
     * The frontend's main thread waits for a port's end, and then closes every connection at once:
     * when the port is closed by the drain, it is to wait on.
     */
    private static ChannelFuture unlessDraining(ChannelFuture closed) {
        ChannelPromise byItself = closed.channel().newPromise();
        closed.addListener(
                done -> {
                    if (!Drain.SERVER.isUnderWay()) {
                        byItself.setSuccess();
                    }
                });
        return byItself;
    }

    /**
     * The same group, but that each connection that is given to it gets a guard.
     *
     * <p>By then the frontend has put its own initializer into the connection's pipeline; both run,
     * in this order, before anything is read.
     */
    private static EventLoopGroup guarding(EventLoopGroup group) {
        return (EventLoopGroup)
                Proxy.newProxyInstance(
                        GuardedServer.class.getClassLoader(),
                        new Class<?>[] {EventLoopGroup.class},
                        (proxy, method, values) -> {
                            if (method.getName().equals("register")
                                    && values[0] instanceof Channel) {
                                ((Channel) values[0]).pipeline().addLast(new Guarding());
                            }
                            try {
                                return method.invoke(group, values);
                            } catch (InvocationTargetException error) {
                                throw error.getCause();
                            }
                        });
    }

    /** Puts the guard where a request's head is known and its body not yet collected. */
    private static final class Guarding extends ChannelInitializer<Channel> {

        @Override
        protected void initChannel(Channel channel) {
            // As the frontend sets it, what is not sent when a connection closes is thrown away.
            channel.config().setOption(ChannelOption.SO_LINGER, -1);
            ChannelPipeline pipeline = channel.pipeline();
            LargePieces.readBy(channel);
            pipeline.addAfter("http", "backlog", new BacklogCount());
            pipeline.addAfter("http", "guard", new RequestGuard());
            pipeline.addAfter("http", "connection", new Connection());
            pipeline.addAfter("http", "requests", new RequestLog());
            pipeline.addAfter("aggregator", "loads", new LoadWatch());
            pipeline.addAfter("aggregator", "memory", new MemoryAnswers());
            pipeline.addAfter("aggregator", "unloads", new UnloadGate());
        }
    }
}
