namespace Lorq.Diagnostics;

/// <summary>What goes wrong around the compiler in a build. The package's tasks compile this file too.</summary>
public static partial class Catalogue
{
    /// <summary>The model of an item is not there.</summary>
    public static readonly Diagnostic ItemWithoutModel = new(
        "LORQ0960",
        "The model of a build item is missing",
        "The model '{0}' does not exist.",
        "The Include of a CompressedModel or TypedModel names a file that is not there.",
        "Correct the path, which is relative to the project, or fetch the file (git lfs pull)."
    );

    /// <summary>The compiler could not be brought.</summary>
    public static readonly Diagnostic CompilerMissing = new(
        "LORQ0961",
        "The compiler is not on this machine",
        "The compiler '{0}' was not found.",
        "It comes with the package Lorq.Tool.<platform>, which the first build downloads from the project's package sources. There are packages for 64-bit x86 Linux and Windows and for Arm macOS.",
        "Make the package available to this machine, or set the property LorqCompilerPath to a lorq.dll. docs/build.md says more."
    );

    /// <summary>Two items claim one file or one class.</summary>
    public static readonly Diagnostic ItemsCollide = new(
        "LORQ0962",
        "Two build items claim the same name",
        "'{0}' and '{1}' both make the {2} '{3}'.",
        "Models of one file name from outside of the project's folder end in one file, models of one file name give one class name, and one class name serves one model.",
        "Give one of them another Link, ClassName or Namespace."
    );

    /// <summary>Metadata that cannot be.</summary>
    public static readonly Diagnostic WrongItemMetadata = new(
        "LORQ0963",
        "A build item has impossible metadata",
        "{0}=\"{1}\" of '{2}' is {3}.",
        "Class names and namespaces are C# identifiers; Visibility is public or internal; EmbedModel is true or false; CopyToOutputDirectory is PreserveNewest, Always, IfDifferent or Never; Link is a path inside the output folder; Adapters are .onnx_adapter files.",
        "Correct the metadata; docs/build.md lists what is allowed."
    );

    /// <summary>The compiler ended without saying why.</summary>
    public static readonly Diagnostic CompilerEnded = new(
        "LORQ0964",
        "The compiler was stopped",
        "The compiler ended with code {1} while it worked on '{0}'.",
        "It was killed, or has a defect, which its last lines show.",
        "Build again; finished steps are kept. Code 137 means that it was killed, mostly for lack of memory. Its command line and last lines are in the output of -v:normal."
    );

    /// <summary>The intermediate folder refuses.</summary>
    public static readonly Diagnostic IntermediateFolder = new(
        "LORQ0965",
        "The intermediate folder cannot be used",
        "'{0}' cannot be written: {1}",
        "The obj folder is read-only or its disk is full.",
        "Make it writable, or set the property LorqIntermediateFolder to another folder."
    );

    /// <summary>A model that cannot be embedded.</summary>
    public static readonly Diagnostic CannotEmbed = new(
        "LORQ0966",
        "A model cannot be embedded",
        "'{0}' keeps data in files beside it and cannot be embedded in the assembly.",
        "Models above 2 GB, and those saved so, are several files.",
        "Remove EmbedModel from the item; the files are then copied beside the application."
    );

    /// <summary>Metadata that nobody reads; a warning.</summary>
    public static readonly Diagnostic MisspeltMetadata = new(
        "LORQ0968",
        "A build item has unknown metadata",
        "'{0}' of '{1}' means nothing to Lorq; '{2}' may be meant.",
        "MSBuild lets items have any metadata, so that a misspelt one is no error: its value has no effect. This is a warning.",
        "Correct the name; docs/build.md lists what there is."
    );

    /// <summary>A framework without the runtime; the package's targets report it.</summary>
    public static readonly Diagnostic FrameworkTooOld = new(
        "LORQ0969",
        "The target framework is too old for typed classes",
        "'{0}' targets {1}; the classes of models call Lorq.Runtime, which needs net10.0 or newer.",
        "NuGet gives older targets nothing of Lorq.Runtime and says so to nobody.",
        "Target net10.0, or set the property LorqTypedClasses to false: the model is then compressed and shipped without a class."
    );

    /// <summary>A library whose users lack the runtime; the package's targets report it.</summary>
    public static readonly Diagnostic RuntimeNotPacked = new(
        "LORQ0967",
        "A library does not bring the runtime",
        "'{0}' does not bring Lorq.Runtime to those who use it, because Lorq.Build is a private dependency.",
        "PrivateAssets=\"all\" keeps a build package and all it depends on away from the projects and packages that use a library, and they need Lorq.Runtime to run its models. Without it, targets and generator stay private all the same.",
        "Remove PrivateAssets=\"all\" from the library's reference to Lorq.Build, or add a PackageReference to Lorq.Runtime."
    );
}
