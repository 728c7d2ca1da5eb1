using Microsoft.Build.Logging.StructuredLogger;
using LoggedTask = Microsoft.Build.Logging.StructuredLogger.Task;

namespace Lorq.Build.Tests;

/// <summary>What a build did, by its binary log: a console shows what was said, this what ran.</summary>
internal sealed class BuildLog
{
    private const string Announcement = ": compressing";

    private readonly Microsoft.Build.Logging.StructuredLogger.Build build;

    private BuildLog(string file) => build = BinaryLog.ReadBuild(file);

    /// <summary>Runs dotnet, which must succeed, and reads what it did.</summary>
    public static BuildLog Of(Feed feed, string folder, params string[] arguments)
    {
        string file = Path.Combine(feed.Root, Guid.NewGuid().ToString("N") + ".binlog");
        feed.Run(folder, [.. arguments, "-bl:" + file]).RequireSuccess();
        var log = new BuildLog(file);
        File.Delete(file);
        return log;
    }

    /// <summary>The file name of the model of every compression, sorted.</summary>
    public string[] Compressed =>
        [
            .. build
                .FindChildrenRecursive<Message>(m => m.Text.EndsWith(Announcement, StringComparison.Ordinal))
                .Select(m => m.Text[..^Announcement.Length])
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>The command lines of all runs of a task; empty ones for tasks that run no tool.</summary>
    public string[] Runs(string task) =>
        [.. build.FindChildrenRecursive<LoggedTask>(t => t.Name == task).Select(t => t.CommandLineArguments ?? "")];
}
