using System.Text.RegularExpressions;
using Lorq.Diagnostics;
using Microsoft.Build.Framework;

namespace Lorq.Build;

/// <summary>A <c>CompressedModel</c> or <c>TypedModel</c> item: where its files are, and how the compiler is called for it.</summary>
internal sealed class ModelItem
{
    /// <summary>
    /// Metadata that are options of the compiler; lists are separated by semicolons. MSBuild keeps Target for itself, and Exclude for the
    /// files that an item leaves out.
    /// </summary>
    private static readonly (string Metadata, string Option)[] Options =
    [
        ("Spec", "--spec"),
        ("Budget", "--budget"),
        ("MaxLoss", "--max-loss"),
        ("TargetFormat", "--target"),
        ("Calibration", "--calibration"),
        ("ExcludedWeights", "--exclude"),
        ("Bits", "--bits"),
        ("Threads", "--threads"),
    ];

    /// <summary>What a model is written as unless item or spec say so: whoever has the package has Lorq.Runtime, whose operators are faster than ONNX Runtime's (docs/results/fused.md).</summary>
    private const string DefaultTarget = "fused";

    /// <summary>The other metadata that a model can have.</summary>
    private static readonly string[] Others =
    [
        "Adapters",
        "ClassName",
        "CopyToOutputDirectory",
        "EmbedModel",
        "Link",
        "Namespace",
        "Visibility",
    ];

    /// <summary>What C# keeps for itself; names it needs only in places can be classes, though the generator refuses some.</summary>
    private static readonly HashSet<string> Keywords =
    [
        .. (
            "abstract as base bool break byte case catch char checked class const continue decimal default delegate do double else enum event "
            + "explicit extern false finally fixed float for foreach goto if implicit in int interface internal is lock long namespace new null "
            + "object operator out override params private protected public readonly ref return sbyte sealed short sizeof stackalloc static string "
            + "struct switch this throw true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while"
        ).Split(' '),
    ];

    /// <summary>What ONNX Runtime's adapters are called.</summary>
    private const string AdapterExtension = ".onnx_adapter";

    /// <summary>What the compiler's models are called.</summary>
    private const string Ending = ".lorq.onnx";

    private readonly ITaskItem item;
    private readonly string projectFolder;

    /// <summary>Reads an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="isCompressed">False for a model that stays as it is.</param>
    /// <param name="projectFolder">The project's folder.</param>
    /// <param name="intermediateFolder">Where results are kept.</param>
    /// <exception cref="BuildException">LORQ0963: impossible metadata.</exception>
    public ModelItem(ITaskItem item, bool isCompressed, string projectFolder, string intermediateFolder)
    {
        this.item = item;
        this.projectFolder = projectFolder;
        IsCompressed = isCompressed;
        Model = Full(item.ItemSpec);
        string name = Path.GetFileNameWithoutExtension(Model);
        Link = Text("Link") is { Length: > 0 } link
            ? Contained("Link", link)
            : DefaultLink(isCompressed ? name + Ending : Path.GetFileName(Model));
        // One folder per place in the output: one model may be there as it is and in several sizes.
        string place = Link.EndsWith(Ending, StringComparison.Ordinal) ? Link.Substring(0, Link.Length - Ending.Length) : Link;
        Folder = Path.Combine(intermediateFolder, place.Replace('/', Path.DirectorySeparatorChar));
        Manifest = Path.Combine(Folder, name + ".lorq.json");
        Output = isCompressed ? Path.Combine(Folder, name + Ending) : Model;
        ClassName = Identifier("ClassName", @"^[_\p{L}]\w*$", "no C# identifier");
        if (Keywords.Contains(ClassName))
        {
            throw Wrong("ClassName", ClassName, "a keyword of C#");
        }
        Namespace = Identifier("Namespace", @"^@?[_\p{L}]\w*(\.@?[_\p{L}]\w*)*$", "no C# namespace");
        Visibility = Choice("Visibility", "public", "internal");
        EmbedModel = Choice("EmbedModel", "false", "true") == "true";
        Copy = Choice("CopyToOutputDirectory", "PreserveNewest", "Always", "IfDifferent", "Never");
        Adapters = [.. List(Text("Adapters")).SelectMany(AdapterFiles)];
    }

    /// <summary>True for models that are made smaller.</summary>
    public bool IsCompressed { get; }

    /// <summary>The original model, a full path.</summary>
    public string Model { get; }

    /// <summary>Where the application finds the model, relative to its folder, with forward slashes.</summary>
    public string Link { get; }

    /// <summary>The folder of the model's results.</summary>
    public string Folder { get; }

    /// <summary>The manifest.</summary>
    public string Manifest { get; }

    /// <summary>The model that is shipped.</summary>
    public string Output { get; }

    /// <summary>The wrapper's name; empty for the generator's choice.</summary>
    public string ClassName { get; }

    /// <summary>The wrapper's namespace; empty for the project's.</summary>
    public string Namespace { get; }

    /// <summary><c>public</c> or <c>internal</c>.</summary>
    public string Visibility { get; }

    /// <summary>True when the model goes into the assembly.</summary>
    public bool EmbedModel { get; }

    /// <summary>When the model is copied beside the application.</summary>
    public string Copy { get; }

    /// <summary>The files of the model's adapters; each is named by its file.</summary>
    public IReadOnlyList<string> Adapters { get; }

    /// <summary>The folder of <see cref="Link"/>, with a slash at its end; empty at the top.</summary>
    public string LinkFolder => Link.Substring(0, Link.LastIndexOf('/') + 1);

    /// <summary>What the results were made from.</summary>
    public string StampFile => Path.Combine(Folder, ".stamp");

    /// <summary>Guards the folder against other builds.</summary>
    public string LockFile => Path.Combine(Folder, ".lock");

    /// <summary>What the compiler writes about what it read.</summary>
    public string DependencyFile => Path.Combine(Folder, ".dependencies");

    /// <summary>The compiler's arguments that decide about the result.</summary>
    /// <param name="signatureOnly">Only the manifest's signature part.</param>
    public IReadOnlyList<string> Request(bool signatureOnly)
    {
        if (signatureOnly || !IsCompressed)
        {
            return ["signature", Model];
        }
        var arguments = new List<string> { "compress", Model };
        foreach ((string metadata, string option) in Options)
        {
            string[] values = List(Text(metadata));
            if (values.Length > 0)
            {
                arguments.Add(option);
                arguments.AddRange(metadata is "Spec" or "Calibration" ? values.Select(Full) : values);
            }
        }
        if (Text("Spec").Length == 0 && Text("TargetFormat").Length == 0)
        {
            arguments.AddRange(["--target", DefaultTarget]);
        }
        return arguments;
    }

    /// <summary>Metadata that look like misspelt ones of a model, and what may be meant.</summary>
    public static IEnumerable<(string Metadata, string Meant)> Misspelt(ITaskItem item)
    {
        string[] known = [.. Options.Select(o => o.Metadata), .. Others];
        foreach (string name in item.CloneCustomMetadata().Keys.Cast<string>().OrderBy(n => n, StringComparer.Ordinal))
        {
            if (!known.Contains(name, StringComparer.OrdinalIgnoreCase) && known.FirstOrDefault(k => IsNear(name, k)) is { } meant)
            {
                yield return (name, meant);
            }
        }
    }

    /// <summary>A message of the compiler in terms of a project: options are metadata and properties here.</summary>
    public static string InTermsOfItems(string message)
    {
        (string Name, string Option)[] names = [.. Options, ("LorqCacheFolder", "--cache")];
        return Regex.Replace(
            message,
            @"(?<option>--[a-z][a-z-]*)( (?<value>\d+(\.\d+)?%?))?",
            found =>
            {
                string? name = names.FirstOrDefault(n => n.Option == found.Groups["option"].Value).Name;
                return name is null ? found.Value
                    : found.Groups["value"].Success ? $"{name}=\"{found.Groups["value"].Value}\""
                    : name;
            },
            RegexOptions.CultureInvariant
        );
    }

    /// <summary>The error that an impossible metadatum is.</summary>
    private BuildException Wrong(string metadata, string value, string problem) =>
        Catalogue.WrongItemMetadata.With(metadata, value, item.ItemSpec, problem);

    private string Text(string metadata) => item.GetMetadata(metadata).Trim();

    private static string[] List(string text) =>
        [.. text.Split([';'], StringSplitOptions.RemoveEmptyEntries).Select(v => v.Trim()).Where(v => v.Length > 0)];

    /// <summary>The adapters of a path or of a pattern in its last part.</summary>
    private IEnumerable<string> AdapterFiles(string path)
    {
        string full = Full(path);
        string folder = Path.GetDirectoryName(full)!;
        string[] files = Directory.Exists(folder)
            ? [.. Directory.GetFiles(folder, Path.GetFileName(full)).OrderBy(f => f, StringComparer.Ordinal)]
            : [];
        if (files.Length == 0)
        {
            throw Wrong("Adapters", path, "no file that exists");
        }
        foreach (string file in files)
        {
            if (!file.EndsWith(AdapterExtension, StringComparison.Ordinal))
            {
                throw Wrong("Adapters", path, "no " + AdapterExtension);
            }
        }
        return files;
    }

    private string Full(string path) => Path.GetFullPath(Path.Combine(projectFolder, path.Replace('\\', Path.DirectorySeparatorChar)));

    /// <summary>The item's folder inside the project; models from elsewhere lie at the top.</summary>
    private string DefaultLink(string file)
    {
        string root = projectFolder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar;
        string folder = Path.GetDirectoryName(Model)! + Path.DirectorySeparatorChar;
        return (folder.StartsWith(root, StringComparison.Ordinal) ? folder.Substring(root.Length) : "").Replace('\\', '/') + file;
    }

    private string Contained(string metadata, string link)
    {
        string path = link.Replace('\\', '/');
        return path.StartsWith("/", StringComparison.Ordinal) || path.Contains(":") || path.Split('/').Any(p => p is ".." or "")
            ? throw Wrong(metadata, link, "no path inside the output folder")
            : path;
    }

    /// <summary>True when at most two letters are missing, too many or wrong, or two neighbours changed places.</summary>
    private static bool IsNear(string text, string known)
    {
        var distance = new int[text.Length + 1, known.Length + 1];
        for (int i = 0; i <= text.Length; i++)
        {
            for (int j = 0; j <= known.Length; j++)
            {
                distance[i, j] =
                    i == 0 || j == 0
                        ? i + j
                        : Math.Min(
                            Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1,
                            distance[i - 1, j - 1] + (char.ToLowerInvariant(text[i - 1]) == char.ToLowerInvariant(known[j - 1]) ? 0 : 1)
                        );
            }
        }
        return distance[text.Length, known.Length] <= Math.Min(2, known.Length / 3);
    }

    private string Identifier(string metadata, string pattern, string problem)
    {
        string text = Text(metadata);
        return text.Length == 0 || Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant)
            ? text
            : throw Wrong(metadata, text, problem);
    }

    private string Choice(string metadata, params string[] choices)
    {
        string text = Text(metadata);
        return text.Length == 0
            ? choices[0]
            : choices.FirstOrDefault(c => c.Equals(text, StringComparison.OrdinalIgnoreCase))
                ?? throw Wrong(metadata, text, "none of " + string.Join(", ", choices));
    }
}
