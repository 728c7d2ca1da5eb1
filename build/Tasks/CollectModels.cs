using Lorq.Diagnostics;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Lorq.Build;

/// <summary>Turns models whose files are made into the items of a build: what the generator reads and what is shipped.</summary>
public sealed class CollectModels : ModelsTask
{
    /// <summary>What names of resources begin with.</summary>
    private const string Resource = "Lorq/";

    /// <summary>The namespace of wrappers without one of their own.</summary>
    public string RootNamespace { get; set; } = "";

    /// <summary>Manifests with the metadata that the generator reads.</summary>
    [Output]
    public ITaskItem[] Manifests { get; private set; } = [];

    /// <summary>Files to copy beside the application, with Link and CopyToOutputDirectory.</summary>
    [Output]
    public ITaskItem[] Files { get; private set; } = [];

    /// <summary>Files to embed, with LogicalName.</summary>
    [Output]
    public ITaskItem[] Resources { get; private set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        var manifests = new List<ITaskItem>();
        var files = new List<ITaskItem>();
        var resources = new List<ITaskItem>();
        var places = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((ITaskItem item, bool isCompressed) in Items)
        {
            ModelItem model;
            try
            {
                model = Model(item, isCompressed);
            }
            catch (BuildException)
            {
                // CheckModels has reported it, or an editor's build goes on without the item.
                continue;
            }
            if (!File.Exists(model.Manifest))
            {
                continue;
            }
            var manifest = new TaskItem(model.Manifest);
            manifest.SetMetadata("LorqManifest", "true");
            manifest.SetMetadata("LorqNamespace", model.Namespace.Length > 0 ? model.Namespace : RootNamespace);
            manifest.SetMetadata("LorqClassName", model.ClassName);
            manifest.SetMetadata("LorqVisibility", model.Visibility);
            manifest.SetMetadata("LorqModelFile", Escape(model.Link));
            manifest.SetMetadata("LorqResourceName", model.EmbedModel ? Escape(Resource + model.Link) : "");
            manifest.SetMetadata("LorqAdapters", Escape(string.Join("/", model.Adapters.Select(Path.GetFileNameWithoutExtension))));
            manifest.SetMetadata("Visible", "false");
            manifests.Add(manifest);
            if (!File.Exists(model.Output))
            {
                continue; // an editor's build: only the signature is known
            }
            string[] data = [.. Data(model)];
            if (model.EmbedModel && data.Length > 0)
            {
                Report(item, Catalogue.CannotEmbed.With(item.ItemSpec));
                continue;
            }
            foreach ((string file, string link) in Shipped(model, data))
            {
                string place = model.EmbedModel ? Resource + link : link;
                if (!places.TryGetValue(place, out string? other))
                {
                    places.Add(place, file);
                    (model.EmbedModel ? resources : files).Add(model.EmbedModel ? Embedded(file, place) : Shipped(file, place, model.Copy));
                }
                else if (other != file) // models of one folder may share an adapter
                {
                    Report(item, Catalogue.ItemsCollide.With(other, file, "file", place));
                }
            }
        }
        Manifests = [.. manifests];
        Files = [.. files];
        Resources = [.. resources];
        return !Log.HasLoggedErrors;
    }

    /// <summary>The data files beside the shipped model.</summary>
    private static IEnumerable<string> Data(ModelItem model)
    {
        if (model.IsCompressed)
        {
            return File.Exists(model.Output + ".data") ? [model.Output + ".data"] : [];
        }
        // Of a plain model the compiler has read nothing but the model and its data.
        return Stamp.Read(model.StampFile)?.Files.Where(f => f != model.Model && f != model.Manifest) ?? [];
    }

    /// <summary>All files of a model, and where the application finds each.</summary>
    private static IEnumerable<(string File, string Link)> Shipped(ModelItem model, IEnumerable<string> data) =>
        [
            (model.Output, model.Link),
            .. data.Select(d => (d, model.LinkFolder + Below(Path.GetDirectoryName(model.Output)!, d))),
            .. model.Adapters.Select(a => (a, model.LinkFolder + Path.GetFileName(a))),
        ];

    private static TaskItem Shipped(string file, string link, string copy)
    {
        var item = new TaskItem(file);
        item.SetMetadata("Link", link);
        item.SetMetadata("CopyToOutputDirectory", copy);
        item.SetMetadata("CopyToPublishDirectory", copy);
        item.SetMetadata("Visible", "false");
        item.SetMetadata("Pack", "false");
        return item;
    }

    /// <summary>The compiler's configuration, which carries the text to the generator, takes # and ; for the begin of a comment.</summary>
    private static string Escape(string text) => text.Replace("?", "?3F").Replace("#", "?23").Replace(";", "?3B");

    private static TaskItem Embedded(string file, string name)
    {
        var item = new TaskItem(file);
        item.SetMetadata("LogicalName", name);
        item.SetMetadata("WithCulture", "false");
        return item;
    }

    private static string Below(string folder, string file) => file.Substring(folder.Length).TrimStart('/', '\\').Replace('\\', '/');
}
