using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Lorq.Diagnostics;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Lorq.Build;

/// <summary>Runs the compiler for one model, out of process. One build at a time works on a model; who waited finds it done.</summary>
public sealed class CompressModel : ToolTask
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a build may stay silent.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    private readonly Stopwatch silent = new();
    private volatile bool cancelled;
    private ModelItem? model;
    private ProjectPlace place;
    private IReadOnlyList<string> request = [];

    /// <summary>The model's item, one of CheckModels' answer.</summary>
    [Required]
    public ITaskItem Model { get; set; } = new TaskItem();

    /// <summary>The project file.</summary>
    [Required]
    public string Project { get; set; } = "";

    /// <summary>The folder for results.</summary>
    [Required]
    public string IntermediateFolder { get; set; } = "";

    /// <summary>The compiler as CheckModels was told of it.</summary>
    [Required]
    public string Compiler { get; set; } = "";

    /// <summary>The compiler's assembly, run by <see cref="DotnetHost"/>, or its executable.</summary>
    [Required]
    public string CompilerPath { get; set; } = "";

    /// <summary>The dotnet executable.</summary>
    [Required]
    public string DotnetHost { get; set; } = "";

    /// <summary>Where the compiler keeps what it measured; empty for the user's folder.</summary>
    public string Cache { get; set; } = "";

    /// <summary>Only the manifest's signature part, as an editor's build needs it.</summary>
    public bool IsDesignTime { get; set; }

    /// <inheritdoc />
    protected override string ToolName => IsAssembly ? "dotnet" : "lorq";

    /// <inheritdoc />
    protected override MessageImportance StandardErrorLoggingImportance => MessageImportance.Normal;

    /// <inheritdoc />
    protected override MessageImportance StandardOutputLoggingImportance => MessageImportance.Low;

    private bool IsAssembly => CompilerPath.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc />
    public override bool Execute()
    {
        place = ProjectPlace.Of(Model, Project);
        try
        {
            bool isCompressed = Model.GetMetadata("LorqIsCompressed") == "true";
            model = new ModelItem(Model, isCompressed, Path.GetDirectoryName(Project)!, IntermediateFolder);
            request = model.Request(IsDesignTime);
            if (!File.Exists(CompilerPath))
            {
                throw Catalogue.CompilerMissing.With(CompilerPath);
            }
            using FileStream? held = Lock(model);
            return held is null || Stamp.Read(model.StampFile)?.IsCurrent(model.StampFile, CompilerRun.Key(request, Compiler)) == true
                ? !cancelled
                : Run(model);
        }
        catch (BuildException e)
        {
            Error(e.Id, e.Message);
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            BuildException told = Catalogue.IntermediateFolder.With(model!.Folder, e.Message);
            Error(told.Id, told.Message);
            return false;
        }
    }

    /// <inheritdoc />
    public override void Cancel()
    {
        cancelled = true;
        base.Cancel();
    }

    /// <inheritdoc />
    protected override string GenerateFullPathToTool() => IsAssembly ? DotnetHost : CompilerPath;

    /// <inheritdoc />
    protected override string GenerateCommandLineCommands()
    {
        bool isSignature = request[0] == "signature";
        IEnumerable<string> arguments =
        [
            .. IsAssembly ? new[] { CompilerPath } : [],
            .. request,
            .. new[] { "--output", isSignature ? model!.Manifest : model!.Folder, "--dependencies", model!.DependencyFile },
            // Timing the model serves the report's reader, and a build waits for it.
            .. isSignature ? [] : new[] { "--no-speed" },
            .. isSignature || Cache.Length == 0 ? [] : new[] { "--cache", Cache },
        ];
        return CompilerRun.CommandLine(arguments);
    }

    /// <inheritdoc />
    protected override string GetWorkingDirectory() => Path.GetDirectoryName(Project)!;

    /// <inheritdoc />
    protected override void LogEventsFromTextOutput(string singleLine, MessageImportance messageImportance)
    {
        // The output stream is the summary for people, cut to a terminal's width; only the error stream holds messages.
        bool isSummary = messageImportance == StandardOutputLoggingImportance;
        if (isSummary || CompilerMessage.Parse(singleLine) is not { } message)
        {
            // Every line in the build's normal output, in its usual one as many as show that it goes on.
            if (!isSummary && silent.Elapsed >= Silence && singleLine.Trim().Length > 0)
            {
                Tell($"{Path.GetFileName(model!.Model)}: {singleLine.Trim()}");
            }
            else
            {
                Log.LogMessage(messageImportance, singleLine);
            }
            return;
        }
        // What no file is to blame for came from the item.
        bool fromItem = message.File.Length == 0;
        string text = fromItem ? ModelItem.InTermsOfItems(message.Text) : message.Text;
        string file = fromItem ? place.File : message.File;
        int line = fromItem ? place.Line : message.Line;
        int column = fromItem ? place.Column : message.Column;
        if (message.IsError)
        {
            Log.LogError(null, message.Code, null, file, line, column, 0, 0, text);
        }
        else
        {
            Log.LogWarning(null, message.Code, null, file, line, column, 0, 0, text);
        }
    }

    /// <inheritdoc />
    protected override bool HandleTaskExecutionErrors()
    {
        if (!Log.HasLoggedErrors && !cancelled)
        {
            BuildException e = Catalogue.CompilerEnded.With(Model.ItemSpec, ExitCode);
            Error(e.Id, e.Message);
        }
        return false;
    }

    private bool Run(ModelItem item)
    {
        string name = Path.GetFileName(item.Model);
        bool compresses = request[0] == "compress";
        if (compresses)
        {
            Tell($"{name}: compressing");
        }
        // Left by a compiler that was killed. One whose build was killed goes on, and needs its folder.
        foreach (string leftover in Directory.GetDirectories(item.Folder, ".lorq-*").Where(d => !IsInUse(d)))
        {
            Directory.Delete(leftover, recursive: true);
        }
        DateTime started = DateTime.UtcNow;
        if (!base.Execute())
        {
            return false;
        }
        string[] outputs = compresses ? [item.Manifest, item.Output, item.Output + ".data"] : [item.Manifest];
        Stamp.Write(item.StampFile, CompilerRun.Key(request, Compiler), File.ReadAllLines(item.DependencyFile), outputs, started);
        if (compresses)
        {
            Tell(Summary(item));
        }
        return true;
    }

    /// <summary>True while the process that made a folder <c>.lorq-PROCESS-…</c> runs.</summary>
    private static bool IsInUse(string folder)
    {
        if (!int.TryParse(Path.GetFileName(folder).Split('-')[1], NumberStyles.None, CultureInfo.InvariantCulture, out int id))
        {
            return false;
        }
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Says something in the build's usual output.</summary>
    private void Tell(string message)
    {
        silent.Restart();
        Log.LogMessage(MessageImportance.High, message);
    }

    /// <summary>Takes the model's lock.</summary>
    /// <returns>Null when the build was cancelled, or an editor's build need not wait.</returns>
    private FileStream? Lock(ModelItem item)
    {
        Directory.CreateDirectory(item.Folder);
        silent.Restart();
        while (!cancelled)
        {
            try
            {
                return new FileStream(item.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(item.LockFile))
            {
                if (IsDesignTime)
                {
                    return null;
                }
                if (silent.Elapsed >= Silence)
                {
                    Tell($"{Path.GetFileName(item.Model)}: waiting for another build that compresses it ({item.LockFile})");
                }
                Thread.Sleep(Pause);
            }
        }
        return null;
    }

    private static string Summary(ModelItem item)
    {
        string manifest = File.ReadAllText(item.Manifest);
        string loss = Regex.Match(manifest, "\"loss\"\\s*:\\s*\\{[^}]*?\"measured\"\\s*:\\s*([0-9][^,}\\s]*)").Groups[1].Value;
        // The original's size is its manifest's, external data included, as the model's is.
        double before = Bytes(manifest, "original");
        double after = Bytes(manifest, "model");
        string text = string.Format(
            CultureInfo.InvariantCulture,
            before < 1e6 ? "{0}: {1:0.0} kB -> {2:0.0} kB ({3:0.0} %)" : "{0}: {1:0.00} MB -> {2:0.00} MB ({3:0.0} %)",
            Path.GetFileName(item.Model),
            before < 1e6 ? before / 1e3 : before / 1e6,
            before < 1e6 ? after / 1e3 : after / 1e6,
            100 * after / before
        );
        return double.TryParse(loss, NumberStyles.Float, CultureInfo.InvariantCulture, out double measured)
            ? text + string.Format(CultureInfo.InvariantCulture, ", loss {0:0.####}", measured)
            // Codes are then as good as without knowing what matters.
            : text + ", without calibration data";
    }

    /// <summary>The bytes of a file of the manifest, with its data files.</summary>
    private static double Bytes(string manifest, string file)
    {
        Match part = Regex.Match(manifest, "^  \"" + file + "\": \\{.*?^  \\}", RegexOptions.Multiline | RegexOptions.Singleline);
        return Regex
            .Matches(part.Value, "\"bytes\": ([0-9]+)")
            .Cast<Match>()
            .Sum(m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    private void Error(string code, string message) => Log.LogError(null, code, null, place.File, place.Line, place.Column, 0, 0, message);
}
